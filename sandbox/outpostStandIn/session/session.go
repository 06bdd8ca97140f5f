// Package session encodes an outpost's session file by Go's own gob encoder. The format is a securecookie: base64 of
// date|base64 of a gob|MAC.
package session

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"fmt"
	"strings"
)

// Values are the values of a session by key.
type Values map[interface{}]interface{}

// Claims are the claims of a login, with authentik's fields and name.
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

// User returns the claims of an invented user, whose login ends at that Unix time.
func User(end int64, tokenLength int) Claims {
	return Claims{
		Sub: strings.Repeat("a", 64), Exp: int(end), Email: "jo@example.com", Verified: true, Name: "Jo",
		PreferredUsername: "jo", Groups: []string{"everyone"}, Sid: strings.Repeat("b", 64),
		Proxy: &ProxyClaims{}, RawToken: strings.Repeat("t", tokenLength),
	}
}

const ClaimsName = "goauthentik.io/internal/outpost/proxyv2/types.Claims"

func init() { gob.RegisterName(ClaimsName, Claims{}) }

// Encode returns a file that was saved at that Unix time. A MAC has 32 bytes; nobody verifies it.
func Encode(savedAt int64, values Values, mac []byte) ([]byte, error) {
	var value bytes.Buffer
	if err := gob.NewEncoder(&value).Encode(map[interface{}]interface{}(values)); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("%d|%s|%s", savedAt, base64.URLEncoding.EncodeToString(value.Bytes()), mac)
	return []byte(base64.URLEncoding.EncodeToString([]byte(text))), nil
}

// Gob finds the encoded values in a file; nil if it has none.
func Gob(file []byte) []byte {
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

// IsLogin tells whether the file's session is a login.
func IsLogin(file []byte) bool { return bytes.Contains(Gob(file), []byte(ClaimsName)) }
