package main

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"authentik-outpost-shm/outpost-stand-in/session"
)

// values returns what authentik keeps in a session: the visited address, or the claims of anyone who is logged in.
func values(login bool, url string) session.Values {
	if !login {
		return session.Values{"redirect": url}
	}
	return session.Values{"claims": session.User(time.Now().Add(24*time.Hour).Unix(), 800)}
}

var idPattern = regexp.MustCompile(`^[A-Z2-7]{52}$`)

func newID() string {
	id := make([]byte, 32)
	rand.Read(id)
	return strings.TrimRight(base32.StdEncoding.EncodeToString(id), "=")
}

func sessionFile(dir, id string) string { return filepath.Join(dir, "session_"+id) }

// save writes the session's file. If there is no space for it, an empty file stays behind, as with authentik.
func save(dir, id string, values session.Values) error {
	mac := make([]byte, 32)
	rand.Read(mac)
	content, err := session.Encode(time.Now().Unix(), values, mac)
	if err != nil {
		return err
	}
	return os.WriteFile(sessionFile(dir, id), content, 0o600)
}

// load tells whether the session of this id exists, and whether it is a login.
func load(dir, id string) (found, login bool, err error) {
	if !idPattern.MatchString(id) {
		return false, false, nil
	}
	content, err := os.ReadFile(sessionFile(dir, id))
	if errors.Is(err, os.ErrNotExist) {
		return false, false, nil
	}
	return err == nil, session.IsLogin(content), err
}
