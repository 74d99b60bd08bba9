package server_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/grantd/grantd/scopes"
)

// A service of package scopes that asks about each token.
func TestScopesIntrospect(t *testing.T) {
	s := newSystem(t)
	introspector, err := scopes.Introspect(t.Context(), s.opts.Issuer, s.opts.Issuer, scopes.IntrospectOptions{
		ClientID: "service", ClientSecret: serviceSecret, CacheFor: -1, Now: s.clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	guard := scopes.Guard{Verifier: introspector}
	items := guard.Require("items")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := scopes.FromContext(r.Context())
		w.Header().Set("Subject", claims.Subject)
	}))
	login := s.login("items")
	for _, c := range []struct {
		name, token string
		status      int
	}{
		{"access token", login.str("access_token"), 200},
		{"scope lacking", s.login("me").str("access_token"), 403},
		{"7662-2.2 refresh token", login.str("refresh_token"), 401},
		{"unknown", "opaque", 401},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+c.token)
		if items.ServeHTTP(w, r); w.Code != c.status || (c.status == 200) != (w.Header().Get("Subject") != "") {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
	s.revoke(login.str("refresh_token")).wantRevoked(t)
	if _, err := introspector.Verify(t.Context(), login.str("access_token")); err == nil {
		t.Error("a revoked token is accepted")
	}
}
