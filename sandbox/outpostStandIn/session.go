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

// Claims of a login, with the fields and the name that authentik's have.
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

// The session's values as authentik keeps them: where a visitor was going, and who somebody is once logged in.
func values(login bool, url string) map[interface{}]interface{} {
	if !login {
		return map[interface{}]interface{}{"redirect": url}
	}
	return map[interface{}]interface{}{"claims": Claims{
		Sub: strings.Repeat("a", 64), Exp: int(time.Now().Add(24 * time.Hour).Unix()), Email: "jo@example.com", Verified: true,
		Name: "Jo", PreferredUsername: "jo", Groups: []string{"everyone"}, Sid: strings.Repeat("b", 64),
		Proxy: &ProxyClaims{}, RawToken: strings.Repeat("t", 800),
	}}
}

// A securecookie: base64 of date|base64 of a gob|MAC. The MAC has its length and no more.
func encode(values map[interface{}]interface{}) ([]byte, error) {
	var value bytes.Buffer
	if err := gob.NewEncoder(&value).Encode(values); err != nil {
		return nil, err
	}
	mac := make([]byte, 32)
	rand.Read(mac)
	text := fmt.Sprintf("%d|%s|%s", time.Now().Unix(), base64.URLEncoding.EncodeToString(value.Bytes()), mac)
	return []byte(base64.URLEncoding.EncodeToString([]byte(text))), nil
}

// Whether the file's session is of somebody logged in.
func isLogin(file []byte) bool {
	text, err := base64.URLEncoding.DecodeString(string(file))
	if err != nil {
		return false
	}
	parts := bytes.SplitN(text, []byte("|"), 3)
	if len(parts) != 3 {
		return false
	}
	value, err := base64.URLEncoding.DecodeString(string(parts[1]))
	return err == nil && bytes.Contains(value, []byte(claimsName))
}

var idPattern = regexp.MustCompile(`^[A-Z2-7]{52}$`)

func newID() string {
	id := make([]byte, 32)
	rand.Read(id)
	return strings.TrimRight(base32.StdEncoding.EncodeToString(id), "=")
}

func sessionFile(dir, id string) string { return filepath.Join(dir, "session_"+id) }

// Writes the session's file. Where there is no space for it, an empty file stays behind, as with authentik.
func save(dir, id string, values map[interface{}]interface{}) error {
	content, err := encode(values)
	if err != nil {
		return err
	}
	return os.WriteFile(sessionFile(dir, id), content, 0o600)
}

// Whether the session of this id is there, and of somebody logged in.
func load(dir, id string) (found, login bool, err error) {
	if !idPattern.MatchString(id) {
		return false, false, nil
	}
	content, err := os.ReadFile(sessionFile(dir, id))
	if errors.Is(err, os.ErrNotExist) {
		return false, false, nil
	}
	return err == nil, isLogin(content), err
}
