package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// A scope of the settings whose name OpenID Connect has, too, was anybody's to grant.
func TestOwnScopesWithNamesOfOpenIDConnect(t *testing.T) {
	s := newSystem(t, func(o *server.Options) {
		o.Scopes = append(o.Scopes, server.Scope{Name: "email", Description: "Send mail as the company"})
	})
	s.addClient(store.Client{ID: "old", Grants: []string{"password"}, Scopes: []string{"me", "email", "profile"}})
	res := s.post("/token", form("grant_type", "password", "client_id", "old", "username", "bob", "password", password, "scope", "me email profile"))
	if res.wantOK(t); res.str("scope") != "profile me" {
		t.Errorf("bob, who may grant me, granted %q", res.str("scope"))
	}
}

// A refresh went on with an audience that the server had no more, for tokens that it
// itself would not know.
func TestAudienceTakenOutOfTheSettings(t *testing.T) {
	const one, two = "https://one.example", "https://two.example"
	s := withApps(t, func(o *server.Options) { o.Audiences = []string{one, two} })
	both := s.redeem(s.code(asked("resource", one) + "&resource=" + two))
	lost := s.redeem(s.code(asked("resource", one)))
	code := s.code(asked("resource", one))
	s.opts.Audiences = []string{two}
	s.startServer()
	res := s.refreshAs("spa", both)
	if res.wantOK(t); !slices.Equal(list(t, claimsOf(t, res.str("access_token"))["aud"]), []string{two}) {
		t.Errorf("aud %v", claimsOf(t, res.str("access_token"))["aud"])
	}
	s.refreshAs("spa", lost).wantRefusal(t, http.StatusBadRequest, "invalid_target")
	s.refreshAs("spa", lost, "resource", one).wantRefusal(t, http.StatusBadRequest, "invalid_target")
	s.redeem(code).wantRefusal(t, http.StatusBadRequest, "invalid_target")
}

// A client whose default scopes have openid need not ask for it.
func TestOpenIDByDefaultNeedsARedirectURI(t *testing.T) {
	s := withApps(t)
	s.addClient(store.Client{
		ID: "by-default", Grants: []string{"authorization_code"}, Scopes: []string{"openid", "me"}, DefaultScopes: []string{"openid"},
		RedirectURIs: []string{"https://default.example/cb"}, FirstParty: true,
	})
	t.Run("oidc-core-3.1.2.1 openid by default", func(t *testing.T) {
		s.authorize(asked("client_id", "by-default", "redirect_uri", "", "scope", ""), s.cookie("u-ann")).wantPage(t, http.StatusBadRequest)
	})
	t.Run("6749-3.1.2.3 no openid", func(t *testing.T) {
		res := s.authorize(asked("client_id", "by-default", "redirect_uri", "", "scope", "me"), s.cookie("u-ann"))
		if to := res.Header.Get("Location"); !strings.HasPrefix(to, "https://default.example/cb?code=") {
			t.Errorf("%d to %q", res.StatusCode, to)
		}
	})
}

// Nobody is sent to an app that was deleted since it was remembered.
func TestClientDeletedAMomentAgo(t *testing.T) {
	for _, scope := range []string{"openid", "me"} {
		t.Run("6749-4.1.2.1 "+scope, func(t *testing.T) {
			s := withApps(t)
			cookie := s.cookie("u-ann")
			s.authorize(asked("scope", scope), cookie).answer(t)
			if _, err := s.db.DeleteClient(t.Context(), "spa", s.clock.Now(), s.clock.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			s.authorize(asked("scope", scope), cookie).wantPage(t, http.StatusBadRequest)
			if strings.Contains(s.log.String(), `"level":"ERROR"`) {
				t.Error("an error of the server is in the log")
			}
		})
	}
}
