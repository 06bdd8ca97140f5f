package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFixtures compares the session files for the tests, which have a fixed date and a fixed MAC, with what gob writes now. To
// write them: `WRITE_FIXTURES=1 go test` in this folder.
func TestFixtures(t *testing.T) {
	jo := user(1795555545, 700)
	visited := "https://app.example.com/start"
	forged := visited + "?q=" + claimsName + "&claims=%06claims4" + claimsName
	both := values{"claims": jo, "redirect": visited}
	for name, content := range map[string]values{
		"visit-started":        {},
		"visit-redirect":       {"redirect": visited},
		"visit-names-the-type": {"redirect": forged},
		"login":                {"claims": jo},
		"login-claims-first":   both,
		"login-redirect-first": both,
	} {
		file := fixture(t, content)
		// Encodes until the wanted key comes first, since the order in a map of two is random.
		for len(content) == 2 && claimsFirst(file) != (name == "login-claims-first") {
			file = fixture(t, content)
		}
		path := filepath.Join("../../test/unit/sandbox/fixtures", name)
		if os.Getenv("WRITE_FIXTURES") != "" {
			if err := os.WriteFile(path, file, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if saved, err := os.ReadFile(path); err != nil || !bytes.Equal(saved, file) {
			t.Errorf("%s is another: %v", path, err)
		}
	}
}

func fixture(t *testing.T, content values) []byte {
	file, err := encode(1795469145, content, []byte(strings.Repeat("m", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func claimsFirst(file []byte) bool {
	value := gobOf(file)
	return bytes.Index(value, []byte("\x06claims")) < bytes.Index(value, []byte("\x08redirect"))
}
