package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain puts the program, as this binary under another name, into the PATH.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"grantd": mainWithClock})
}

// tokens is an answer of the token endpoint.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Scope   string `json:"scope"`
}

// form makes a form of name and value pairs.
func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	return f
}

func decode[T any](t *testing.T, body string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

// password is that of the users whom login makes. Its hash is quicker than johndoe's.
const password = "correct horse battery"

// login signs a new user up and takes tokens.
func login(t *testing.T, s *process, username string) tokens {
	t.Helper()
	wantStatus(t, "sign up", s.post("/users/", form("username", username, "password", password)), 201)
	return tokensOf(t, s.post("/token", form("grant_type", "password", "username", username, "password", password, "scope", "me")))
}

func tokensOf(t *testing.T, a answer) tokens {
	t.Helper()
	if a.err != nil || a.status != 200 {
		t.Fatalf("no tokens: %v", a)
	}
	return decode[tokens](t, a.body)
}

func refresh(s *process, token string) answer {
	return s.post("/refresh", form("refresh_token", token))
}

// wantStatus wants an answer of that status whose body contains each of the texts.
func wantStatus(t *testing.T, what string, a answer, status int, texts ...string) {
	t.Helper()
	if a.err != nil || a.status != status {
		t.Errorf("%s: got %v; want %d", what, a, status)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("%s: %q is not in %s", what, text, a.body)
		}
	}
}

func (a answer) String() string { return fmt.Sprintf("%d %s%v", a.status, a.body, a.err) }
