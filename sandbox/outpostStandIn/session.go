package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// values are what authentik keeps in a session: the visited address, or the claims of anyone who is logged in.
type values map[interface{}]interface{}

// Claims are the claims of a login. gob writes their names and fields, which are authentik's.
type Claims struct {
	Sub               string
	Exp               int
	Email             string
	Verified          bool
	Name              string
	PreferredUsername string
	Groups            []string
	Entitlements      []string
	Sid               string
	Proxy             *ProxyClaims
	RawToken          string
}

type ProxyClaims struct {
	UserAttributes  map[string]interface{}
	BackendOverride string
	HostHeader      string
	IsSuperuser     bool
}

const claimsName = "goauthentik.io/internal/outpost/proxyv2/types.Claims"

func init() { gob.RegisterName(claimsName, Claims{}) }

// user returns the claims of an invented user, whose login ends at that Unix time.
func user(end int64, tokenLength int) Claims {
	return Claims{
		Sub: strings.Repeat("a", 64), Exp: int(end), Email: "jo@example.com", Verified: true, Name: "Jo",
		PreferredUsername: "jo", Groups: []string{"everyone"}, Sid: strings.Repeat("b", 64),
		Proxy: &ProxyClaims{}, RawToken: strings.Repeat("t", tokenLength),
	}
}

// encode returns a session's file, saved at that Unix time: a securecookie, base64 of date|base64 of a gob|MAC. A MAC has 32
// bytes; nobody verifies it.
func encode(savedAt int64, content values, mac []byte) ([]byte, error) {
	var value bytes.Buffer
	if err := gob.NewEncoder(&value).Encode(map[interface{}]interface{}(content)); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("%d|%s|%s", savedAt, base64.URLEncoding.EncodeToString(value.Bytes()), mac)
	return []byte(base64.URLEncoding.EncodeToString([]byte(text))), nil
}

// gobOf finds the encoded values in a file; nil if it has none.
func gobOf(file []byte) []byte {
	text, err := base64.URLEncoding.DecodeString(string(file))
	if err != nil {
		return nil
	}
	parts := bytes.SplitN(text, []byte("|"), 3)
	if len(parts) != 3 {
		return nil
	}
	value, err := base64.URLEncoding.DecodeString(string(parts[1]))
	if err != nil {
		return nil
	}
	return value
}

func isLogin(file []byte) bool { return bytes.Contains(gobOf(file), []byte(claimsName)) }

var idPattern = regexp.MustCompile(`^[A-Z2-7]{52}$`)

func newID() string {
	id := make([]byte, 32)
	rand.Read(id)
	return strings.TrimRight(base32.StdEncoding.EncodeToString(id), "=")
}

func sessionFile(dir, id string) string { return filepath.Join(dir, "session_"+id) }

// save writes the session's file. If there is no space for it, an empty file stays behind, as with authentik.
func save(dir, id string, content values) error {
	mac := make([]byte, 32)
	rand.Read(mac)
	file, err := encode(time.Now().Unix(), content, mac)
	if err != nil {
		return err
	}
	return os.WriteFile(sessionFile(dir, id), file, 0o600)
}

// load tells whether the session of this id exists, and whether it is a login.
func load(dir, id string) (found, login bool, err error) {
	if !idPattern.MatchString(id) {
		return false, false, nil
	}
	file, err := os.ReadFile(sessionFile(dir, id))
	if errors.Is(err, os.ErrNotExist) {
		return false, false, nil
	}
	return err == nil, isLogin(file), err
}
