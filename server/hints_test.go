package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// retire has another key sign ID tokens, and lets the time pass after which no access
// token of the one before is out, and more.
func (s *system) retire(t *testing.T, more time.Duration) {
	t.Helper()
	s.clock.Add(time.Second)
	if _, err := server.RotateKey(t.Context(), s.db, s.master, token.RS256, s.clock.Now(), 0); err != nil {
		t.Fatal(err)
	}
	s.clock.Add(s.opts.AccessTTL + 3*server.Leeway + more)
	s.sweep()
	s.sync()
}

// An ID token was a hint no more some minutes after the keys were rotated: apps that
// signed people out got an error, and the session lived on.
func TestHintsOutliveTheirKeys(t *testing.T) {
	s := withApps(t)
	s.addClient(store.Client{ID: "shop", LogoutURIs: []string{"https://shop.example/bye"}})
	sid, cookie := s.sessionOf("u-ann")
	hint := s.idHint("u-ann", "shop", sid)
	kid := headerOf(t, hint, "kid")
	s.retire(t, 0)

	t.Run("oidc-core-3.1.2.1 a hint of a key that signs no more", func(t *testing.T) {
		res := s.authorize(asked("scope", "openid", "prompt", "none", "id_token_hint", hint), cookie)
		if res.answer(t).Get("code") == "" {
			t.Errorf("%d %s", res.StatusCode, res.Header.Get("Location"))
		}
	})
	t.Run("7517-5 the key is published no more", func(t *testing.T) {
		if jwks := s.get("/.well-known/jwks.json").body; strings.Contains(jwks, kid) {
			t.Error(jwks)
		}
	})
	t.Run("oidc-logout-2 a hint of a key that signs no more", func(t *testing.T) {
		res := s.get("/logout?id_token_hint="+hint+"&post_logout_redirect_uri=https://shop.example/bye", cookie)
		wantLocation(t, res, "https://shop.example/bye")
		s.wantSignedOut(t, res, cookie)
	})
}

// No access token gains by a key that is kept for hints.
func TestKeysForHintsVerifyNoAccessToken(t *testing.T) {
	s := newSystem(t, signedWith(token.RS256))
	before := s.ring()
	forged := func() string { // by whom the old key was stolen
		access, err := before.MintAccess(token.Access{
			Issuer: s.opts.Issuer, Subject: "u-ann", ClientID: "app", Audience: []string{s.opts.Issuer}, Scope: []string{"me"}, GrantID: "g",
			IssuedAt: s.clock.Now(), ExpireAt: s.clock.Now().Add(time.Minute), AuthTime: s.clock.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		return access
	}
	old := headerOf(t, forged(), "kid")
	s.retire(t, 0)
	access := forged()
	if now := headerOf(t, access, "kid"); now != old {
		t.Fatalf("signed with %s, want %s", now, old)
	}
	s.get("/users/me/", bearer(access)).wantChallenge(t, http.StatusUnauthorized, "invalid_token", "me")
	if s.active(access) {
		t.Error("introspection takes it")
	}
	if keys, err := s.db.SigningKeys(t.Context()); err != nil || !slices.ContainsFunc(keys, func(k store.SigningKey) bool { return k.ID == old }) {
		t.Errorf("the key is not kept: %v", err)
	}
}

// A hint that nobody can check any more is none.
func TestHintsOfForgottenKeys(t *testing.T) {
	s := withApps(t, func(o *server.Options) { o.SessionTTL, o.SessionMaxTTL = time.Hour, time.Hour })
	s.addClient(store.Client{ID: "shop", LogoutURIs: []string{"https://shop.example/bye"}})
	hint := s.idHint("u-ann", "shop", "before")
	s.retire(t, s.opts.SessionMaxTTL)
	_, cookie := s.sessionOf("u-ann")
	bye := "&post_logout_redirect_uri=https://shop.example/bye"
	for name, c := range map[string]struct{ query, want string }{
		"oidc-logout-4 and nobody says which app it is": {bye, "/logout"},
		"oidc-logout-4 and the app says which it is":    {bye + "&client_id=shop", "https://shop.example/bye"},
	} {
		t.Run(name, func(t *testing.T) {
			_, cookie := s.sessionOf("u-ann")
			page := s.get("/logout?id_token_hint="+hint+c.query, cookie)
			page.wantOK(t)
			decision := form("decision", "sign-out", "session", page.hiddenField(t, "session"), "request", page.hiddenField(t, "request"))
			res := s.post("/logout", decision, cookie, from(ownSite))
			wantLocation(t, res, c.want)
			s.wantSignedOut(t, res, cookie)
		})
	}
	t.Run("oidc-core-3.1.2.1 nobody can tell whether it is the same person", func(t *testing.T) {
		s.wantTold(t, s.authorize(asked("scope", "openid", "prompt", "none", "id_token_hint", hint), cookie), "login_required")
		if res := s.authorize(asked("scope", "openid", "id_token_hint", hint), cookie); res.answer(t).Get("code") == "" {
			t.Errorf("%d %s", res.StatusCode, res.Header.Get("Location"))
		}
	})
	t.Run("oidc-core-3.1.2.1 what never was an ID token", func(t *testing.T) {
		s.wantTold(t, s.authorize(asked("scope", "openid", "id_token_hint", "a.b.c"), cookie), "invalid_request")
	})
}
