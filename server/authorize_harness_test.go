package server_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// verifier is a code_verifier, and challenge its code_challenge.
var (
	verifier  = strings.Repeat("verifier-", 5)
	challenge = challengeOf(verifier)
)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

const (
	callback  = "https://app.example/cb"
	webSecret = "web secret"
)

// withApps starts a server that has clients for the code flow: spa, a public one, and
// web, a confidential one that may leave PKCE out, both of our own; third, whose
// users are asked for consent.
func withApps(t testing.TB, change ...func(*server.Options)) *system {
	t.Helper()
	s := newSystem(t, change...)
	s.addApps()
	return s
}

func (s *system) addApps() {
	s.t.Helper()
	both := []string{"authorization_code", "refresh_token"}
	all := []string{"me", "items", "items:write", "openid", "profile", "email", "offline_access"}
	s.addClient(store.Client{ID: "spa", Grants: both, Scopes: all, RedirectURIs: []string{callback, callback + "?tenant=a%2Fb&&x"}, FirstParty: true})
	s.addClient(store.Client{
		ID: "web", SecretHash: server.HashSecret(webSecret), Grants: both, Scopes: all, DefaultScopes: []string{"me"},
		RedirectURIs: []string{"https://web.example/cb"}, FirstParty: true, PKCEOptional: true,
	})
	s.addClient(store.Client{ID: "third", Name: "Third", Grants: both, Scopes: all, RedirectURIs: []string{"https://third.example/cb"}})
}

// asked is the query of an authorization request of spa with other parameters in
// place of its own. An empty value takes the parameter out.
func asked(pairs ...string) string {
	q := form("response_type", "code", "client_id", "spa", "redirect_uri", callback, "scope", "me items", "state", "xyz",
		"code_challenge", challenge, "code_challenge_method", "S256")
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		}
	}
	return q.Encode()
}

// askedBy is asked for the client web.
func askedBy(web bool, pairs ...string) string {
	if web {
		pairs = append([]string{"client_id", "web", "redirect_uri", "https://web.example/cb"}, pairs...)
	}
	return asked(pairs...)
}

func (s *system) authorize(query string, edits ...edit) reply {
	s.t.Helper()
	return s.get("/authorize?"+query, edits...)
}

// answer is what an app was told, by a redirect to it.
func (r reply) answer(t testing.TB) url.Values {
	t.Helper()
	u, err := r.Location()
	if err != nil || r.StatusCode != http.StatusSeeOther || u.Host == "" {
		t.Fatalf("%d to %v: %v\n%s", r.StatusCode, u, err, r.body)
	}
	return u.Query()
}

// code has ann, who is signed in, give the client a code.
func (s *system) code(query string) string {
	s.t.Helper()
	code := s.authorize(query, s.cookie("u-ann")).answer(s.t).Get("code")
	if code == "" {
		s.t.Fatal("there is no code in the answer")
	}
	return code
}

// redeem sends a code as spa. An empty value takes a parameter out.
func (s *system) redeem(code string, pairs ...string) reply {
	s.t.Helper()
	return s.post("/token", redemption(code, pairs...))
}

func redemption(code string, pairs ...string) url.Values {
	body := form("grant_type", "authorization_code", "client_id", "spa", "code", code, "redirect_uri", callback, "code_verifier", verifier)
	for i := 0; i+1 < len(pairs); i += 2 {
		body.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			body.Del(pairs[i])
		}
	}
	return body
}

// wantTold checks that the app, and nobody else, is told of an error.
func (s *system) wantTold(t testing.TB, res reply, code string) {
	t.Helper()
	told := res.answer(t)
	if told.Get("error") != code || told.Get("error_description") == "" || told.Get("iss") != s.opts.Issuer || told.Has("code") {
		t.Errorf("told %v, want %s", told, code)
	}
}

// wantPage checks that the person stays here and is told what is wrong.
func (r reply) wantPage(t testing.TB, status int) {
	t.Helper()
	if r.StatusCode != status || r.Header.Get("Location") != "" || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		t.Errorf("got %d to %q with %s, want a page with %d", r.StatusCode, r.Header.Get("Location"), r.Header.Get("Content-Type"), status)
	}
	if r.Header.Get("Cache-Control") != "no-store" || !strings.Contains(r.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("the page may be kept or framed: %v", r.Header)
	}
}
