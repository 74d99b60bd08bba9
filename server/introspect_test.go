package server_test

import (
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// RFC 7662 §2.2: what is said of a token that is active.
func TestIntrospectActive(t *testing.T) {
	s := newSystem(t)
	s.clock.Add(time.Hour)
	tokens := s.login("me items")
	own := s.post("/token", form("grant_type", "client_credentials"), as("plain-service", "plain")).str("access_token")
	access, refresh := tokens.str("access_token"), tokens.str("refresh_token")
	now := float64(s.clock.Now().Unix())
	common := map[string]any{"active": true, "iss": s.opts.Issuer, "aud": s.opts.Issuer, "iat": now}
	with := func(more map[string]any) map[string]any {
		all := maps.Clone(common)
		maps.Copy(all, more)
		return all
	}
	for _, c := range []struct {
		name, token string
		want        map[string]any
	}{
		{"7662-2.2 access token", access, with(map[string]any{
			"scope": "me items", "client_id": "app", "token_type": "Bearer", "exp": now + 900, "sub": "u-ann", "auth_time": now,
			"jti": claimsOf(t, access)["jti"], "gid": claimsOf(t, access)["gid"],
		})},
		{"7662-2.2 refresh token", refresh, with(map[string]any{
			"scope": "me items", "client_id": "app", "token_type": "refresh_token", "exp": now + 720*3600, "sub": "u-ann",
			"gid": claimsOf(t, refresh)["gid"],
		})},
		{"7662-2.2 client credentials, no scope", own, with(map[string]any{
			"client_id": "plain-service", "token_type": "Bearer", "exp": now + 900, "sub": "plain-service", "jti": claimsOf(t, own)["jti"],
		})},
	} {
		for _, hint := range []string{"", "access_token", "refresh_token", "magic"} {
			t.Run(c.name+", hint "+hint, func(t *testing.T) {
				res := s.post("/introspect", form("token", c.token, "token_type_hint", hint), as("service", serviceSecret))
				res.wantOK(t)
				if !reflect.DeepEqual(res.JSON, c.want) {
					t.Errorf("got\n%v, want\n%v", res.JSON, c.want)
				}
				if got := res.Header.Get("Cache-Control"); got != "no-store" {
					t.Errorf("Cache-Control %q", got)
				}
			})
		}
	}
}

// RFC 7662 §2.2: of a token that is not active nothing is said but that.
func TestIntrospectInactive(t *testing.T) {
	s := newSystem(t)
	expired := s.login("me")
	s.clock.Add(2000 * time.Hour)
	all := s.rotations(2)
	live := all[2]
	revoked := s.login("me")
	s.revoke(revoked.str("refresh_token")).wantOK(t)
	revokedAccess := s.login("me")
	s.revoke(revokedAccess.str("access_token")).wantOK(t)
	now := s.clock.Now()
	claims := claimsOf(t, live.str("refresh_token"))
	minted := func(master *token.Master, issuer string, generation int64) string {
		made, err := token.NewRefresher(master, issuer, s.clock.Now).Mint(token.Refresh{
			Subject: "u-ann", ClientID: "app", Scope: scopes.Set{"me"}, GrantID: claims["gid"].(string), Generation: generation,
			IssuedAt: now, ExpireAt: now.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	current := int64(claims["gen"].(float64))
	if !s.active(minted(s.master, s.opts.Issuer, current)) {
		t.Fatal("the cases below differ from an active token by more than they say")
	}
	s.clock.Add(31 * time.Second)
	for name, tok := range map[string]string{
		"7662-2.2 garbage":                                  "garbage",
		"7662-2.2 expired access token":                     expired.str("access_token"),
		"7662-2.2 expired refresh token":                    expired.str("refresh_token"),
		"7662-2.2 revoked access token":                     revokedAccess.str("access_token"),
		"7662-2.2 access token of a revoked authorization":  revoked.str("access_token"),
		"7662-2.2 refresh token of a revoked authorization": revoked.str("refresh_token"),
		"7662-2.2 spent refresh token":                      all[0].str("refresh_token"),
		"7662-2.2 spent refresh token, after the grace":     all[1].str("refresh_token"),
		"7662-2.2 refresh token of another issuer":          minted(s.master, "https://other.example", current),
		"7662-2.2 refresh token of another master key":      minted(masterOf(t, 8), s.opts.Issuer, current),
		"7662-2.2 truncated refresh token":                  live.str("refresh_token")[:60],
		"7662-2.2 truncated access token":                   live.str("access_token")[:60],
		"7662-2.2 access token with another signature":      live.str("access_token")[:len(live.str("access_token"))-8] + "AAAAAAAA",
	} {
		t.Run(name, func(t *testing.T) {
			res := s.post("/introspect", form("token", tok), as("service", serviceSecret))
			res.wantOK(t)
			if res.body != "{\"active\":false}\n" {
				t.Errorf("%s", res.body)
			}
		})
	}
	s.wantAlive(live)
}

// A refresh token that would be answered is active: also the last one, inside
// the grace.
func TestIntrospectFollowsTheGrace(t *testing.T) {
	s := newSystem(t)
	all := s.rotations(1)
	for _, c := range []struct {
		later time.Duration
		want  bool
	}{{0, true}, {30 * time.Second, true}, {time.Millisecond, false}} {
		s.clock.Add(c.later)
		if got := s.active(all[0].str("refresh_token")); got != c.want {
			t.Errorf("%v later: active is %v", c.later, got)
		}
	}
	s.wantAlive(all[1]) // asking is not using
}

// RFC 7662 §2.1: the endpoint must not be open to token scanning.
func TestWhoMayIntrospect(t *testing.T) {
	s := newSystem(t)
	s.addClient(store.Client{ID: "public-resource", Introspect: true})
	tok := s.login("me").str("access_token")
	for name, res := range map[string]reply{
		"7662-2.1 public client":                    s.post("/introspect", form("token", tok, "client_id", "app")),
		"7662-2.1 public client set to introspect":  s.post("/introspect", form("token", tok, "client_id", "public-resource")),
		"7662-2.1 public client by Basic":           s.post("/introspect", form("token", tok), as("app", "")),
		"contract-3 client that may not introspect": s.post("/introspect", form("token", tok), as("plain-service", "plain")),
		"contract-3 client that may not, no token":  s.post("/introspect", form(), as("plain-service", "plain")),
		"contract-3 client that may not, by body":   s.post("/introspect", form("token", tok, "client_id", "plain-service", "client_secret", "plain")),
	} {
		t.Run(name, func(t *testing.T) { res.wantRefusal(t, 400, "unauthorized_client") })
	}
	t.Run("7662-2.1 a bearer token is no client", func(t *testing.T) {
		s.post("/introspect", form("token", tok), bearer(tok)).wantRefusal(t, 401, "invalid_client")
	})
	t.Run("7662-2.1 client_secret in the body", func(t *testing.T) {
		s.post("/introspect", form("token", tok, "client_id", "service", "client_secret", serviceSecret)).wantOK(t)
	})
}
