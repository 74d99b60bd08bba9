package server_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// ring signs as the server does.
func (s *system) ring() *token.Ring {
	s.t.Helper()
	rows, err := s.db.SigningKeys(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var keys []token.SigningKey
	for _, row := range rows {
		key, err := token.OpenKey(s.master, row.ID, row.Alg, row.SignFrom, row.Sealed)
		if err != nil {
			s.t.Fatal(err)
		}
		keys = append(keys, key)
	}
	ring, err := token.NewRing(s.opts.SigningAlg, keys)
	if err != nil {
		s.t.Fatal(err)
	}
	return ring
}

// access is an access token of a user for an app, as the server signs it.
func (s *system) access(userID, clientID, audience, scope string) string {
	s.t.Helper()
	set, err := scopes.Parse(scope)
	if err != nil {
		s.t.Fatal(err)
	}
	minted, err := s.ring().MintAccess(token.Access{
		Issuer: s.opts.Issuer, Subject: userID, ClientID: clientID, Audience: []string{audience}, Scope: set, GrantID: "g1",
		IssuedAt: s.clock.Now(), ExpireAt: s.clock.Now().Add(time.Minute), AuthTime: s.clock.Now(),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return minted
}

func TestUserinfo(t *testing.T) {
	const other = "https://api.example"
	s := newSystem(t, func(o *server.Options) { o.Audiences = []string{"https://more.example", other} })
	if err := s.db.CreateUser(t.Context(), store.User{ID: "u-bare", Username: "bare", PasswordHash: passwordHash, CreatedAt: s.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	type m = map[string]any
	for _, c := range []struct {
		name, user, audience, scope string
		want                        m
	}{
		{"oidc-core-5.3.2 sub always", "u-ann", s.opts.Issuer, "openid", m{"sub": "u-ann"}},
		{"oidc-core-5.4 profile", "u-ann", s.opts.Issuer, "openid profile", m{"sub": "u-ann", "name": "Ann Example", "preferred_username": "ann"}},
		{"oidc-core-5.4 email", "u-ann", s.opts.Issuer, "openid email me", m{"sub": "u-ann", "email": "ann@example.com", "email_verified": false}},
		{"oidc-core-5.3.2 what the user has no value for is left out", "u-bare", s.opts.Issuer, "openid profile email", m{"sub": "u-bare", "preferred_username": "bare"}},
		{"8707-2 a token for another of our audiences", "u-ann", other, "openid", m{"sub": "u-ann"}},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(c.name+" "+method, func(t *testing.T) {
				res := s.send(method, "/userinfo", "", bearer(s.access(c.user, "app", c.audience, c.scope)))
				res.wantOK(t)
				if !maps.Equal(res.JSON, c.want) {
					t.Errorf("got %s, want %v", res.body, c.want)
				}
				if got := []string{res.Header.Get("Content-Type"), res.Header.Get("Cache-Control")}; !slices.Equal(got, []string{"application/json", "no-store"}) {
					t.Errorf("header %q", got)
				}
			})
		}
	}
}

func TestUserinfoRefuses(t *testing.T) {
	s := newSystem(t)
	good := s.access("u-ann", "app", s.opts.Issuer, "openid")
	id, err := s.ring().MintID(token.ID{Issuer: s.opts.Issuer, Subject: "u-ann", ClientID: "app", IssuedAt: s.clock.Now(), ExpireAt: s.clock.Now().Add(time.Minute), Access: good})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		edits []edit
		want  int
		code  string
	}{
		{"6750-3.1 no token", nil, http.StatusUnauthorized, ""},
		{"6750-3.1 without the scope openid", []edit{bearer(s.access("u-ann", "app", s.opts.Issuer, "profile email"))}, http.StatusForbidden, "insufficient_scope"},
		{"6750-3.1 for nobody of ours", []edit{bearer(s.access("u-ann", "app", "https://elsewhere.example", "openid"))}, http.StatusUnauthorized, "invalid_token"},
		{"6750-3.1 of a user who is gone", []edit{bearer(s.access("u-nobody", "app", s.opts.Issuer, "openid"))}, http.StatusUnauthorized, "invalid_token"},
		{"6750-3.1 of a user who is disabled", []edit{bearer(s.access("u-eve", "app", s.opts.Issuer, "openid"))}, http.StatusUnauthorized, "invalid_token"},
		{"9068-4 an ID token", []edit{bearer(id)}, http.StatusUnauthorized, "invalid_token"},
		{"6750-3.1 twice", []edit{bearer(good), header("Authorization", "Bearer "+good)}, http.StatusBadRequest, "invalid_request"},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(c.name+" "+method, func(t *testing.T) {
				res := s.send(method, "/userinfo", "", c.edits...)
				challenge, err := scopes.ParseChallenge(res.Header.Get("WWW-Authenticate"))
				if res.StatusCode != c.want || err != nil || challenge.Error != c.code || challenge.Scope.String() != "openid" {
					t.Errorf("%d %q %v, want %d %s", res.StatusCode, res.Header.Values("WWW-Authenticate"), err, c.want, c.code)
				}
			})
		}
	}
	t.Run("contract-5 a token in the form is never read", func(t *testing.T) {
		if res := s.post("/userinfo", form("access_token", good)); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%d %s", res.StatusCode, res.body)
		}
		if res := s.get("/userinfo?access_token=" + good); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%d %s", res.StatusCode, res.body)
		}
	})
	t.Run("contract-4 a user who was disabled a moment ago", func(t *testing.T) {
		s.get("/userinfo", bearer(good)).wantOK(t)
		if _, err := s.db.DisableUser(t.Context(), "u-ann", s.clock.Now(), s.clock.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if res := s.get("/userinfo", bearer(good)); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%d %s", res.StatusCode, res.body)
		}
	})
}
