package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
)

// Sections that speak of whole answers, each once from end to end.
func TestSections(t *testing.T) {
	t.Run("6749-5.1 token reply", func(t *testing.T) {
		s := newSystem(t)
		res := s.login("")
		for name, want := range map[string]string{"Cache-Control": "no-store", "Pragma": "no-cache", "Content-Type": "application/json"} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if scope, said := res.JSON["scope"]; !said || scope != "" {
			t.Errorf("scope %v: it is said also when nothing was granted", scope)
		}
		if res.str("token_type") != "Bearer" || res.JSON["expires_in"] != 900.0 {
			t.Errorf("reply %s", res.body)
		}
	})
	t.Run("9700-4.14.2 a replayed refresh token ends the authorization", func(t *testing.T) {
		s := newSystem(t)
		first := s.login("me")
		second := s.refresh(first.str("refresh_token"))
		s.clock.Add(s.opts.ReuseGrace + time.Second)
		s.refresh(first.str("refresh_token")).wantError(t, http.StatusBadRequest, "invalid_grant")
		s.refresh(second.str("refresh_token")).wantError(t, http.StatusBadRequest, "invalid_grant")
		if res := s.get("/users/me/", bearer(second.str("access_token"))); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("the access token answers %d", res.StatusCode)
		}
		if !strings.Contains(s.log.String(), `"event":"refresh_token.reused"`) {
			t.Error("there is no audit event")
		}
	})
	t.Run("9728-3.1 the issuer's path goes behind the well-known name", func(t *testing.T) {
		s := newSystem(t, func(o *server.Options) { o.Issuer += "/auth" })
		res := s.get("/.well-known/oauth-protected-resource/auth")
		res.wantOK(t)
		if res.str("resource") != s.opts.Issuer {
			t.Errorf("resource %q, issuer %q", res.str("resource"), s.opts.Issuer)
		}
	})
	t.Run("9728-5.1 a challenge leads to the metadata of the resource", func(t *testing.T) {
		s := newSystem(t)
		challenge := s.get("/users/me/").Header.Get("WWW-Authenticate")
		_, rest, _ := strings.Cut(challenge, `resource_metadata="`+s.web.URL)
		path, _, found := strings.Cut(rest, `"`)
		if !found {
			t.Fatalf("challenge %s", challenge)
		}
		s.get(path).wantOK(t)
	})
}
