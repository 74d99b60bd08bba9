package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
)

// Answers are written by hand, to the byte as encoding/json would.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{"", "x", `"\<>&` + "\x00\x1f\x7f", "\u2028\u2029\u20ac\U0001f600", "\xff\xc3", "a b+/=~!"} {
		f.Add(s, s, int64(len(s)))
	}
	f.Fuzz(func(t *testing.T, name, value string, n int64) {
		given := map[string]any{name: value, "n": n, "z" + name: []string{value}, "b": true}
		got, err := server.WriteMembers(given)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := json.Marshal(given); err != nil || got != string(want) {
			t.Fatalf("%s, not %s, %v", got, want, err)
		}
	})
}

func TestMembersThatCannotBeWritten(t *testing.T) {
	if got, err := server.WriteMembers(map[string]any{"x": func() {}}); err == nil {
		t.Errorf("wrote %s", got)
	}
}

// introspection is the answer of RFC 7662 §2.2 in the order of its members.
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	Issued    int64  `json:"iat,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Audience  any    `json:"aud,omitempty"` // a string, or an array of several
	Issuer    string `json:"iss,omitempty"`
	ID        string `json:"jti,omitempty"`
	GrantID   string `json:"gid,omitempty"`
	AuthTime  int64  `json:"auth_time,omitempty"`
}

func TestIntrospectionToTheByte(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.Audiences = []string{"https://a.example/?x=<&>"} })
	tokens := s.login("me items")
	both := s.post("/token", form("grant_type", "client_credentials", "resource", s.opts.Issuer, "resource", s.opts.Audiences[0]), as("service", serviceSecret))
	both.wantOK(t)
	for name, token := range map[string]string{
		"of a user": tokens.str("access_token"), "to refresh": tokens.str("refresh_token"), "of two audiences": both.str("access_token"), "none": "x",
	} {
		res := s.post("/introspect", form("token", token), as("service", serviceSecret))
		res.wantOK(t)
		var said introspection
		if err := json.Unmarshal([]byte(res.body), &said); err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(said)
		if err != nil || res.body != string(want)+"\n" {
			t.Errorf("%s: %s, not %s, %v", name, res.body, want, err)
		}
	}
}

// No answer comes in chunks, however long it is.
func TestLengthIsSaid(t *testing.T) {
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("scope-number-%d", i))
	}
	s := newSystem(t, func(o *server.Options) {
		for _, name := range names {
			o.Scopes = append(o.Scopes, server.Scope{Name: name})
		}
	})
	s.alter(`UPDATE clients SET scopes = '["` + strings.Join(names, `","`) + `"]' WHERE id = 'service'`)
	asService := as("service", serviceSecret)
	for _, n := range []int{1, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 200} {
		issued := s.post("/token", form("grant_type", "client_credentials", "scope", strings.Join(names[:n], " ")), asService)
		issued.wantOK(t)
		about := s.post("/introspect", form("token", issued.str("access_token")), asService)
		for _, res := range []reply{issued, about} {
			if res.ContentLength != int64(len(res.body)) || len(res.TransferEncoding) > 0 || res.StatusCode != http.StatusOK {
				t.Errorf("%d scopes: %d bytes, Content-Length %d, Transfer-Encoding %q", n, len(res.body), res.ContentLength, res.TransferEncoding)
			}
		}
	}
}
