package server_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// redeemWeb sends a code as web, which authenticates.
func (s *system) redeemWeb(code string, pairs ...string) reply {
	s.t.Helper()
	pairs = append([]string{"client_id", "", "redirect_uri", "https://web.example/cb"}, pairs...)
	return s.post("/token", redemption(code, pairs...), as("web", webSecret))
}

func TestCodeGrant(t *testing.T) {
	s := withApps(t)
	s.clock.Add(time.Hour)
	session := s.cookie("u-ann")
	signedIn := s.clock.Now()
	s.clock.Add(time.Minute)
	code := s.authorize(asked(), session).answer(t).Get("code")
	s.clock.Add(59 * time.Second)
	res := s.redeem(code)
	t.Run("6749-4.1.4 tokens for a code", func(t *testing.T) {
		res.wantOK(t)
		if res.str("scope") != "me items" || res.str("token_type") != "Bearer" || res.str("refresh_token") == "" || res.JSON["id_token"] != nil {
			t.Errorf("%s", res.body)
		}
		s.get("/users/me/", bearer(res.str("access_token"))).wantOK(t)
	})
	t.Run("9068-2.2.1 auth_time is when the user proved who they are", func(t *testing.T) {
		if got := claimsOf(t, res.str("access_token"))["auth_time"]; got != float64(signedIn.Unix()) {
			t.Errorf("auth_time %v, signed in at %d", got, signedIn.Unix())
		}
	})
	t.Run("the row says where it comes from", func(t *testing.T) {
		g, err := s.db.Grant(t.Context(), claimsOf(t, res.str("access_token"))["gid"].(string))
		if err != nil || g.SessionID == "" || g.UsedFrom != "127.0.0.1" || g.UserID != "u-ann" || g.ClientID != "spa" || g.Audience != nil {
			t.Errorf("%+v, %v", g, err)
		}
	})
	t.Run("audit", func(t *testing.T) {
		for _, event := range []string{"authorization.granted", "grant.created"} {
			if !strings.Contains(s.log.String(), `"event":"`+event+`"`) {
				t.Errorf("there is no event %s", event)
			}
		}
		for _, secret := range []string{code, verifier, res.str("access_token")} {
			if strings.Contains(s.log.String(), secret) {
				t.Errorf("%q is in the log", secret)
			}
		}
	})
}

// Whatever is wrong with a redemption, it is refused, and the right one still works.
func TestWrongRedemptions(t *testing.T) {
	s := withApps(t, func(o *server.Options) { o.Audiences = []string{"https://api.example"} })
	s.addClient(store.Client{ID: "no-codes", Grants: []string{"password"}})
	other := strings.Repeat("another-verifier-", 3)
	for _, c := range []struct {
		name  string
		pairs []string
		code  string
	}{
		{"6749-4.1.3 another client's code", []string{"client_id", "third"}, "invalid_grant"},
		{"6749-4.1.3 a client that may not", []string{"client_id", "no-codes"}, "unauthorized_client"},
		{"6749-4.1.3 no code", []string{"code", ""}, "invalid_request"},
		{"6749-4.1.3 an unknown code", []string{"code", "x"}, "invalid_grant"},
		{"6749-4.1.3 another redirect_uri", []string{"redirect_uri", callback + "/"}, "invalid_grant"},
		{"6749-4.1.3 another registered redirect_uri", []string{"redirect_uri", callback + "?tenant=a%2Fb&&x"}, "invalid_grant"},
		{"7636-4.6 no verifier", []string{"code_verifier", ""}, "invalid_grant"},
		{"7636-4.6 another verifier", []string{"code_verifier", other}, "invalid_grant"},
		{"7636-4.6 the challenge as verifier", []string{"code_verifier", challenge}, "invalid_grant"},
		{"7636-4.1 a short verifier", []string{"code_verifier", "verifier"}, "invalid_grant"},
		{"8707-2.2 a resource that was not granted", []string{"resource", "https://api.example"}, "invalid_target"},
		{"8707-2.2 an unknown resource", []string{"resource", "https://other.example"}, "invalid_target"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code := s.code(asked())
			s.redeem(code, c.pairs...).wantRefusal(t, http.StatusBadRequest, c.code)
			res := s.redeem(code)
			res.wantOK(t)
			s.get("/users/me/", bearer(res.str("access_token"))).wantOK(t)
		})
	}
	t.Run("6749-3.2 a code in the query string", func(t *testing.T) {
		s.post("/token?code=x", redemption("x")).wantRefusal(t, http.StatusBadRequest, "invalid_request")
	})
	t.Run("6749-3.2 a verifier twice", func(t *testing.T) {
		body := redemption("x")
		body.Add("code_verifier", verifier)
		s.post("/token", body).wantRefusal(t, http.StatusBadRequest, "invalid_request")
	})
	t.Run("6749-4.1.3 a confidential client that does not authenticate", func(t *testing.T) {
		s.redeem(s.code(askedBy(true)), "client_id", "web").wantRefusal(t, http.StatusUnauthorized, "invalid_client")
	})
}

// RFC 9700 §4.8.2: nobody can take PKCE out of a flow.
func TestPKCEDowngrade(t *testing.T) {
	s := withApps(t)
	without := askedBy(true, "scope", "openid", "nonce", "n", "code_challenge", "", "code_challenge_method", "")
	t.Run("9700-4.8.2 a verifier without a challenge", func(t *testing.T) {
		code := s.code(without)
		s.redeemWeb(code).wantRefusal(t, http.StatusBadRequest, "invalid_grant")
		s.redeemWeb(code, "code_verifier", "").wantOK(t)
	})
	t.Run("9700-2.1.1 a challenge counts also where it is optional", func(t *testing.T) {
		code := s.code(askedBy(true, "scope", "openid", "nonce", "n"))
		s.redeemWeb(code, "code_verifier", "").wantRefusal(t, http.StatusBadRequest, "invalid_grant")
		s.redeemWeb(code).wantOK(t)
	})
	t.Run("6749-4.1.3 redirect_uri may be left out where PKCE binds the code", func(t *testing.T) {
		s.redeem(s.code(asked()), "redirect_uri", "").wantOK(t)
	})
	t.Run("6749-4.1.3 and not where nothing does", func(t *testing.T) {
		code := s.code(without)
		s.redeemWeb(code, "code_verifier", "", "redirect_uri", "").wantRefusal(t, http.StatusBadRequest, "invalid_grant")
		s.redeemWeb(code, "code_verifier", "").wantOK(t)
	})
	t.Run("6749-4.1.3 one that the request had not", func(t *testing.T) {
		code := s.code(askedBy(true, "redirect_uri", ""))
		s.redeemWeb(code).wantRefusal(t, http.StatusBadRequest, "invalid_grant")
		s.redeemWeb(code, "redirect_uri", "").wantOK(t)
	})
}

func TestCodeExpires(t *testing.T) {
	s := withApps(t)
	code := s.code(asked())
	s.clock.Add(time.Minute)
	s.redeem(code).wantRefusal(t, http.StatusBadRequest, "invalid_grant")
	disabled := s.code(asked())
	now := s.clock.Now()
	if _, err := s.db.DisableUser(t.Context(), "u-ann", now, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.redeem(disabled).wantRefusal(t, http.StatusBadRequest, "invalid_grant")
}

// RFC 6749 §4.1.2: a code that comes twice was stolen, before or after.
func TestCodeReplay(t *testing.T) {
	t.Run("6749-4.1.2 one after the other", func(t *testing.T) {
		s := withApps(t)
		other := s.beside(0)
		code := s.code(asked())
		res := s.redeem(code)
		res.wantOK(t)
		s.refreshAs("spa", res).wantOK(t)
		s.clock.Add(2 * time.Minute) // it is known for long after it expired
		s.redeem(code).wantRefusal(t, http.StatusBadRequest, "invalid_grant")
		s.wantEnded(res)
		if err := other.srv.Poll(t.Context()); err != nil { // as it does twice a second
			t.Fatal(err)
		}
		other.get("/users/me/", bearer(res.str("access_token"))).wantError(t, http.StatusUnauthorized, "invalid_token")
		if log := s.log.String(); !strings.Contains(log, `"event":"authorization_code.reused"`) || !strings.Contains(log, `"level":"WARN"`) || strings.Contains(log, code) {
			t.Errorf("log: %s", log)
		}
	})
	t.Run("6749-4.1.2 a thief without the verifier ends nothing", func(t *testing.T) {
		s := withApps(t)
		code := s.code(asked())
		res := s.redeem(code)
		for _, pairs := range [][]string{{"code_verifier", ""}, {"code_verifier", challenge}, {"client_id", "third"}, {"redirect_uri", "https://evil.example/"}} {
			s.redeem(code, pairs...).wantRefusal(t, http.StatusBadRequest, "invalid_grant")
		}
		s.get("/users/me/", bearer(res.str("access_token"))).wantOK(t)
		s.refreshAs("spa", res).wantOK(t)
	})
	for name, open := range map[string]func(t *testing.T) *system{
		"SQLite": func(t *testing.T) *system { return newSystem(t) },
		"PostgreSQL": func(t *testing.T) *system { // by its clock
			s := newSystemOn(t, "", pgtest.URL(t), func(o *server.Options) { o.Now = nil })
			s.clock.Add(time.Since(s.clock.Now()))
			return s
		},
	} {
		t.Run("6749-4.1.2 fifty at once, "+name, func(t *testing.T) {
			s := open(t)
			s.addApps()
			s.raceForCode(t, s.code(asked()), 50)
		})
	}
}

// raceForCode redeems a code from many connections at once: one wins, and what it won has ended.
func (s *system) raceForCode(t *testing.T, code string, racers int) {
	t.Helper()
	var mu sync.Mutex
	var all []reply
	var wg sync.WaitGroup
	for range racers {
		wg.Go(func() {
			res := s.redeem(code)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, res)
		})
	}
	wg.Wait()
	won := slices.DeleteFunc(slices.Clone(all), func(r reply) bool { return r.StatusCode != http.StatusOK })
	if len(won) != 1 {
		t.Fatalf("%d of %d won", len(won), racers)
	}
	for _, res := range all {
		if res.StatusCode != http.StatusOK {
			res.wantRefusal(t, http.StatusBadRequest, "invalid_grant")
		}
	}
	s.wantEnded(won[0])
}

func (s *system) refreshAs(client string, tokens reply, pairs ...string) reply {
	s.t.Helper()
	return s.post("/token", form(append([]string{"grant_type", "refresh_token", "client_id", client, "refresh_token", tokens.str("refresh_token")}, pairs...)...))
}

// wantEnded checks that the authorization of spa is over.
func (s *system) wantEnded(tokens reply) {
	s.t.Helper()
	s.get("/users/me/", bearer(tokens.str("access_token"))).wantError(s.t, http.StatusUnauthorized, "invalid_token")
	s.refreshAs("spa", tokens).wantRefusal(s.t, http.StatusBadRequest, "invalid_grant")
	if s.active(tokens.str("access_token")) {
		s.t.Error("the access token is active")
	}
}

// Who gets a refresh token.
func TestRefreshRule(t *testing.T) {
	s := withApps(t)
	all := []string{"me", "openid", "offline_access"}
	for _, c := range []store.Client{
		{ID: "refreshes", Grants: []string{"authorization_code", "password", "refresh_token"}},
		{ID: "not", Grants: []string{"authorization_code", "password"}},
	} {
		c.Scopes, c.RedirectURIs, c.FirstParty = all, []string{callback}, true
		s.addClient(c)
	}
	for _, c := range []struct {
		client, scope, granted string
		refresh, idToken       bool
	}{
		{"refreshes", "me", "me", true, false},
		{"refreshes", "me offline_access", "offline_access me", true, false},
		{"refreshes", "openid me", "openid me", false, true},
		{"refreshes", "openid offline_access me", "openid offline_access me", true, true},
		{"not", "me", "me", false, false},
		{"not", "openid offline_access", "openid", false, true},
		{"not", "offline_access me", "me", false, false},
	} {
		byCode := s.redeem(s.code(asked("client_id", c.client, "scope", c.scope)), "client_id", c.client)
		byPassword := s.post("/token", form("grant_type", "password", "client_id", c.client, "username", "ann", "password", password, "scope", c.scope))
		for flow, res := range map[string]reply{"code": byCode, "password": byPassword} {
			t.Run("OpenID Connect Core 11 "+flow+" "+c.client+" "+c.scope, func(t *testing.T) {
				res.wantOK(t)
				if res.str("scope") != c.granted || res.str("refresh_token") != "" != c.refresh || res.str("id_token") != "" != c.idToken {
					t.Errorf("%s", res.body)
				}
			})
		}
	}
	t.Run("the client itself is nobody", func(t *testing.T) {
		s.addClient(store.Client{ID: "cc", SecretHash: server.HashSecret("x"), Grants: []string{"client_credentials", "refresh_token"}, Scopes: all})
		for _, scope := range all[1:] {
			s.post("/token", form("grant_type", "client_credentials", "scope", scope), as("cc", "x")).wantRefusal(t, http.StatusBadRequest, "invalid_scope")
		}
	})
}

// An ID token comes with the code's nonce, and again without one at each refresh.
func TestIDTokensOfTheCodeFlow(t *testing.T) {
	s := withApps(t)
	first := s.redeem(s.code(asked("scope", "openid offline_access me", "nonce", "n-0S6")))
	second := s.refreshAs("spa", first)
	narrow := s.refreshAs("spa", second, "scope", "me")
	a, b := claimsOf(t, first.str("id_token")), claimsOf(t, second.str("id_token"))
	if a["nonce"] != "n-0S6" || b["nonce"] != nil || narrow.JSON["id_token"] != nil {
		t.Errorf("nonces %v, %v; narrowed: %s", a["nonce"], b["nonce"], narrow.body)
	}
	for _, same := range []string{"iss", "sub", "aud", "auth_time", "sid"} {
		if a[same] == nil || a[same] != b[same] {
			t.Errorf("%s: %v, then %v", same, a[same], b[same])
		}
	}
	if a["sub"] != "u-ann" || a["aud"] != "spa" {
		t.Errorf("%v", a)
	}
	t.Run("6749-6 an ID token of less scope says less", func(t *testing.T) {
		tokens := s.redeem(s.code(asked("scope", "openid email offline_access", "claims", `{"id_token":{"email":null}}`)))
		narrow := s.refreshAs("spa", tokens, "scope", "openid")
		whole := s.refreshAs("spa", narrow)
		if claimsOf(t, narrow.str("id_token"))["email"] != nil || claimsOf(t, whole.str("id_token"))["email"] == nil {
			t.Errorf("of openid: %v; of all: %v", claimsOf(t, narrow.str("id_token")), claimsOf(t, whole.str("id_token")))
		}
	})
}

// RFC 8707: tokens are for the resources that were asked for.
func TestResourceIndicators(t *testing.T) {
	const one, two = "https://one.example", "https://two.example/api"
	s := withApps(t, func(o *server.Options) { o.Audiences = []string{one, two} })
	s.addClient(store.Client{ID: "cc", SecretHash: server.HashSecret("x"), Grants: []string{"client_credentials"}, Scopes: []string{"me"}})
	audience := func(t *testing.T, res reply, want ...string) {
		t.Helper()
		res.wantOK(t)
		if got := list(t, claimsOf(t, res.str("access_token"))["aud"]); !slices.Equal(got, want) {
			t.Errorf("aud %q, want %q", got, want)
		}
	}
	both := asked("resource", two) + "&resource=" + one + "&resource=" + one
	t.Run("8707-2 none", func(t *testing.T) {
		audience(t, s.redeem(s.code(asked())), s.opts.Issuer)
	})
	t.Run("8707-2 two", func(t *testing.T) {
		res := s.redeem(s.code(both))
		audience(t, res, one, two)
		audience(t, s.refreshAs("spa", res), one, two)
		s.get("/users/me/", bearer(res.str("access_token"))).wantError(t, http.StatusUnauthorized, "invalid_token") // it is for others
	})
	t.Run("8707-2.2 narrowed for one token, and not for those that follow", func(t *testing.T) {
		res := s.redeem(s.code(both), "resource", two)
		audience(t, res, two)
		res = s.refreshAs("spa", res)
		audience(t, res, one, two)
		res = s.refreshAs("spa", res, "resource", one)
		audience(t, res, one)
		s.refreshAs("spa", res, "resource", s.opts.Issuer).wantRefusal(t, http.StatusBadRequest, "invalid_target")
		s.clock.Add(s.opts.ReuseGrace + time.Second)
		audience(t, s.refreshAs("spa", res), one, two) // nothing was spent
	})
	t.Run("8707-2.2 the server's own may be named", func(t *testing.T) {
		res := s.redeem(s.code(asked()), "resource", s.opts.Issuer)
		audience(t, res, s.opts.Issuer)
		audience(t, s.refreshAs("spa", res, "resource", s.opts.Issuer), s.opts.Issuer)
	})
	t.Run("8707-2 at the token endpoint alone", func(t *testing.T) {
		body := form("grant_type", "password", "client_id", "app", "username", "ann", "password", password, "scope", "me", "resource", two)
		res := s.post("/token", body)
		audience(t, res, two)
		audience(t, s.refresh(res.str("refresh_token")), two)
		cc := form("grant_type", "client_credentials", "resource", two)
		cc.Add("resource", one)
		audience(t, s.post("/token", cc, as("cc", "x")), one, two)
		audience(t, s.post("/token", form("grant_type", "client_credentials"), as("cc", "x")), s.opts.Issuer)
		for _, wrong := range []string{"https://three.example", "x", one + "#"} {
			s.post("/token", with(body, "resource", wrong)).wantRefusal(t, http.StatusBadRequest, "invalid_target")
			s.post("/token", with(maps.Clone(cc), "resource", wrong), as("cc", "x")).wantRefusal(t, http.StatusBadRequest, "invalid_target")
		}
	})
	t.Run("7662-2.2 tokens for others are active, and can be revoked", func(t *testing.T) {
		for query, want := range map[string]any{both: []any{one, two}, asked("resource", one): one} {
			access := s.redeem(s.code(query)).str("access_token")
			about := s.post("/introspect", form("token", access), as("service", serviceSecret))
			if got := about.JSON["aud"]; about.JSON["active"] != true || !equalJSON(got, want) {
				t.Errorf("%s", about.body)
			}
			s.post("/revoke", form("token", access, "client_id", "spa")).wantOK(t)
			if s.active(access) {
				t.Error("it is active still")
			}
		}
	})
}

func equalJSON(a, b any) bool {
	x, isList := a.([]any)
	y, wanted := b.([]any)
	if isList || wanted {
		return isList && wanted && slices.Equal(x, y)
	}
	return a == b
}
