package server_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// revoke sends a token to /revoke as client app.
func (s *system) revoke(tok string, pairs ...string) reply {
	s.t.Helper()
	return s.post("/revoke", form(append([]string{"client_id", "app", "token", tok}, pairs...)...))
}

// wantRevoked checks the answer of RFC 7009 §2.2.
func (r reply) wantRevoked(t *testing.T) {
	t.Helper()
	r.wantOK(t)
	if r.body != "" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%q, Cache-Control %q", r.body, r.Header.Get("Cache-Control"))
	}
}

func TestRevoke(t *testing.T) {
	t.Run("7009-2.1 a refresh token ends the authorization", func(t *testing.T) {
		s := newSystem(t)
		bystander := s.login("me")
		all := s.rotations(2)
		s.revoke(all[2].str("refresh_token")).wantRevoked(t)
		s.wantDead(all...)
		s.wantAlive(bystander)
		s.revoke(all[2].str("refresh_token")).wantRevoked(t) // once more is no error
	})
	t.Run("7009-2.1 a spent refresh token, too", func(t *testing.T) {
		s := newSystem(t)
		all := s.rotations(2)
		s.revoke(all[0].str("refresh_token")).wantRevoked(t)
		s.wantDead(all...)
	})
	t.Run("7009-2.1 an access token only itself", func(t *testing.T) {
		s := newSystem(t)
		all := s.rotations(1)
		s.revoke(all[1].str("access_token")).wantRevoked(t)
		s.get("/status/", bearer(all[1].str("access_token"))).wantError(t, 401, "invalid_token")
		if s.active(all[1].str("access_token")) {
			t.Error("active")
		}
		s.get("/status/", bearer(all[0].str("access_token"))).wantOK(t)
		s.refresh(all[1].str("refresh_token")).wantOK(t)
		s.revoke(all[1].str("access_token")).wantRevoked(t)
	})
	t.Run("7009-2.1 client credentials", func(t *testing.T) {
		s := newSystem(t)
		res := s.post("/token", form("grant_type", "client_credentials"), as("service", serviceSecret))
		s.post("/revoke", form("token", res.str("access_token")), as("service", serviceSecret)).wantRevoked(t)
		s.get("/status/", bearer(res.str("access_token"))).wantError(t, 401, "invalid_token")
	})
}

// RFC 7009 §2.1: the hint may be wrong, and servers may ignore it.
func TestRevokeHints(t *testing.T) {
	for _, kind := range []string{"access_token", "refresh_token"} {
		for _, hint := range []string{"access_token", "refresh_token", "magic", ""} {
			t.Run("7009-2.1 "+kind+" with the hint "+hint, func(t *testing.T) {
				s := newSystem(t)
				tokens := s.login("me")
				s.revoke(tokens.str(kind), "token_type_hint", hint).wantRevoked(t)
				if s.active(tokens.str(kind)) {
					t.Error("active")
				}
			})
		}
	}
}

// RFC 7009 §2.2: invalid tokens do not cause an error.
func TestRevokeWhatIsNoToken(t *testing.T) {
	s := newSystem(t)
	expired := s.login("me")
	s.clock.Add(721 * time.Hour)
	now := s.clock.Now()
	minted := func(by *token.Refresher) string {
		made, err := by.Mint(token.Refresh{
			Subject: "u-ann", ClientID: "app", Scope: scopes.Set{"me"}, GrantID: "none", Generation: 1, IssuedAt: now, ExpireAt: now.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	good := s.login("me")
	for name, tok := range map[string]string{
		"7009-2.2 garbage":                  "garbage",
		"7009-2.2 truncated":                good.str("refresh_token")[:40],
		"7009-2.2 expired access token":     expired.str("access_token"),
		"7009-2.2 expired refresh token":    expired.str("refresh_token"),
		"7009-2.2 another issuer's":         minted(token.NewRefresher(s.master, "https://other.example", s.clock.Now)),
		"7009-2.2 no such authorization":    minted(token.NewRefresher(s.master, s.opts.Issuer, s.clock.Now)),
		"7009-2.2 a client_secret by error": serviceSecret,
	} {
		t.Run(name, func(t *testing.T) { s.revoke(tok).wantRevoked(t) })
	}
	s.wantAlive(good)
}

// RFC 7009 §2.1: the token must have been issued to the client that revokes it.
func TestRevokeTokenOfAnotherClient(t *testing.T) {
	s := newSystem(t)
	tokens := s.login("me")
	for name, c := range map[string]struct {
		body  url.Values
		edits []edit
	}{
		"public":       {form("client_id", "other"), nil},
		"confidential": {form(), []edit{as("service", serviceSecret)}},
	} {
		for _, kind := range []string{"access_token", "refresh_token"} {
			t.Run("7009-2.1 "+kind+", "+name, func(t *testing.T) {
				c.body.Set("token", tokens.str(kind))
				s.post("/revoke", c.body, c.edits...).wantRefusal(t, 400, "invalid_grant")
				s.wantAlive(tokens)
			})
		}
	}
}

// Contract §4 and issue 2: what ends authorizations besides revocation.
func TestWhatEndsAuthorizations(t *testing.T) {
	type change func(s *system, now, until time.Time) (int, error)
	enable := func(s *system) error { return s.db.EnableUser(s.t.Context(), "u-ann") }
	nothing := func(*system) error { return nil }
	for _, c := range []struct {
		name  string
		end   change
		undo  func(*system) error
		again bool // ann can log in afterwards
	}{
		{"contract-4 disabled user, enabled again", func(s *system, now, until time.Time) (int, error) {
			return s.db.DisableUser(s.t.Context(), "u-ann", now, until)
		}, enable, true},
		{"contract-4 disabled user", func(s *system, now, until time.Time) (int, error) {
			return s.db.DisableUser(s.t.Context(), "u-ann", now, until)
		}, nothing, false},
		{"contract-4 deleted user", func(s *system, now, until time.Time) (int, error) {
			return s.db.DeleteUser(s.t.Context(), "u-ann", now, until)
		}, nothing, false},
		{"issue-2 password change", func(s *system, now, until time.Time) (int, error) {
			return s.db.SetPassword(s.t.Context(), "u-ann", passwordHash, now, until)
		}, nothing, true},
		{"issue-2 deleted client, registered again", func(s *system, now, until time.Time) (int, error) {
			return s.db.DeleteClient(s.t.Context(), "app", now, until)
		}, func(s *system) error {
			s.clock.Add(time.Second) // its new tokens are younger than the deletion
			return s.db.CreateClient(s.t.Context(), store.Client{
				ID: "app", Grants: []string{"password", "refresh_token"}, Scopes: []string{"me", "items"}, CreatedAt: s.clock.Now(),
			})
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSystem(t)
			there := s.beside(0)
			all := s.rotations(2)
			now := s.clock.Now()
			ended, err := c.end(s, now, now.Add(time.Hour))
			if err != nil || ended != 1 {
				t.Fatalf("ended %d, %v", ended, err)
			}
			if err := c.undo(s); err != nil {
				t.Fatal(err)
			}
			for _, replica := range []*system{s, there} {
				if err := replica.srv.Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
				replica.wantDead(all...)
			}
			res := s.post("/token", asAnn("client_id", "app", "scope", "me"))
			if !c.again {
				res.wantRefusal(t, 400, "invalid_grant")
				return
			}
			res.wantOK(t)
			s.wantAlive(res)
			s.wantDead(all...) // they stay so
		})
	}
}

// A client that is gone takes the tokens with it that it got for itself.
func TestDeletedClient(t *testing.T) {
	s := newSystem(t)
	res := s.post("/token", form("grant_type", "client_credentials"), as("plain-service", "plain"))
	res.wantOK(t)
	now := s.clock.Now()
	if _, err := s.db.DeleteClient(t.Context(), "plain-service", now, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.srv.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.get("/status/", bearer(res.str("access_token"))).wantError(t, 401, "invalid_token")
	if s.active(res.str("access_token")) {
		t.Error("active")
	}
	s.post("/token", form("grant_type", "client_credentials"), as("plain-service", "plain")).wantRefusal(t, 401, "invalid_client", basicChallenge)
	s.login("me") // others go on
}
