package server_test

import (
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
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
