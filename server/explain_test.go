package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// Only a server that is told to, which "grantd dev" is, says to callers why they are refused.
func TestExplanations(t *testing.T) {
	for _, explain := range []bool{false, true} {
		s := withApps(t, func(o *server.Options) { o.Explain = explain })
		access := s.login("me").str("access_token")
		for name, res := range map[string]reply{
			"client_secret_wrong":     s.post("/token", form("grant_type", "client_credentials"), as("service", "wrong")),
			"wrong_password":          s.loginAs("ann", "wrong"),
			"token_missing":           s.get("/users/me/"),
			"token_lacks_scope":       s.get("/users/me/items/", bearer(access)),
			"token_malformed":         s.get("/userinfo", bearer("x")),
			"json_malformed":          s.send("POST", "/users/", "[]", jsonBody),
			"path_unknown":            s.get("/nothing"),
			"grant_type_missing":      s.post("/token", form("client_id", "app")),
			"token_of_another_client": s.post("/revoke", form("client_id", "other", "token", access)),
		} {
			shown, ok := res.JSON["explanation"].(map[string]any)
			if ok != explain {
				t.Errorf("explain %t: %s", explain, res.body)
				continue
			}
			if explain && (shown["reason"] != name || shown["what"] == "" || shown["fix"] == "" || len(shown) < 3) {
				t.Errorf("%s: %s", name, res.body)
			}
			if !explain && len(res.JSON) != 3 {
				t.Errorf("%s: %s", name, res.body)
			}
		}
		page := s.authorize(asked("redirect_uri", callback+"/"), header("Accept", "text/html"))
		if got := strings.Contains(page.body, "differs at byte"); got != explain || !strings.Contains(page.body, page.Header.Get("X-Request-Id")) {
			t.Errorf("explain %t: %s", explain, page.body)
		}
	}
}

// What an app sends by mistake, or somebody in the hope that it will be logged, is in no explanation.
func TestExplanationsHoldNoSecret(t *testing.T) {
	const mark = "S3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS3CRET"
	s := withApps(t, func(o *server.Options) { o.Explain = true })
	code := s.code(asked())
	for _, pairs := range [][]string{
		{"redirect_uri", callback + "?token=" + mark}, {"redirect_uri", "https://u:" + mark + "@app.example/cb"}, {"redirect_uri", callback + "#" + mark},
		{"code_verifier", mark}, {"code", mark}, {"resource", mark}, {"client_id", mark}, {"client_secret", mark},
	} {
		s.redeem(code, pairs...)
	}
	for _, pairs := range [][]string{
		{"redirect_uri", callback + "?token=" + mark}, {"redirect_uri", "https://u:" + mark + "@app.example/cb"}, {"redirect_uri", callback + "#" + mark},
		{"client_id", mark}, {"state", mark, "response_type", ""}, {"nonce", mark, "prompt", "none"}, {"code_challenge", mark}, {"id_token_hint", mark},
		{"login_hint", mark, "prompt", "none"}, {"claims", mark, "scope", "openid"}, {"resource", mark}, {"max_age", mark}, {"prompt", mark}, {"response_mode", mark},
		{"response_type", mark}, {"request", mark},
	} {
		if res := s.authorize(asked(pairs...)); strings.Contains(res.body, mark) {
			t.Errorf("%q: the page has it: %s", pairs, res.body)
		}
	}
	s.get("/logout?client_id=spa&post_logout_redirect_uri=" + callback + "?token=" + mark)
	s.srv.FlushEvents(t.Context())
	events, err := s.db.Events(t.Context(), store.EventFilter{})
	if err != nil || len(events) < 20 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if strings.Contains(fmt.Sprint(events), mark) || strings.Contains(s.log.String(), mark) {
		t.Errorf("%v\n%s", events, s.log)
	}
}

// noKeys is a source of keys that cannot be asked.
type noKeys struct{}

func (noKeys) Key(context.Context, string) (scopes.Key, error) {
	return scopes.Key{}, errors.New("no network")
}

// The router on its own gives the reasons of a server, and its audit log is that of the issuer: it has none.
func TestReasonsOfResources(t *testing.T) {
	s := newSystem(t)
	access := s.login("me").str("access_token")
	verifier, err := scopes.NewVerifier(scopes.VerifierOptions{Issuer: s.opts.Issuer, Audience: s.opts.Issuer, Keys: noKeys{}, Now: s.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	resources, err := server.NewResources(server.ResourceOptions{
		DB: s.db, Verifier: verifier, Issuer: s.opts.Issuer, URL: s.opts.Issuer, BcryptCost: 4, MaxConcurrentHashes: 1,
		Log: s.opts.Log, Now: s.clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.web.Config.Handler = resources
	res := s.get("/users/me/", bearer(access))
	if rec := s.recordOf(res); rec["reason"] != "keys_unavailable" || !tells(t, reason.KeysUnavailable, res) || !strings.Contains(fmt.Sprint(rec["cause"]), "no network") {
		t.Errorf("%v\n%d %s", rec, res.StatusCode, res.body)
	}
}
