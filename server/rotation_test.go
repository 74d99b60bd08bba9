package server_test

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
)

// rotations logs in and refreshes n times, a minute apart. It gives all replies,
// oldest first.
func (s *system) rotations(n int) []reply {
	s.t.Helper()
	all := []reply{s.login("me items")}
	for range n {
		s.clock.Add(time.Minute)
		next := s.refresh(all[len(all)-1].str("refresh_token"))
		next.wantOK(s.t)
		all = append(all, next)
	}
	return all
}

// wantDead checks that nothing is left of an authorization: no refresh token is
// honoured, no access token opens anything, introspection calls all inactive.
func (s *system) wantDead(tokens ...reply) {
	s.t.Helper()
	for i, r := range tokens {
		access, refresh := r.str("access_token"), r.str("refresh_token")
		s.refresh(refresh).wantRefusal(s.t, 400, "invalid_grant")
		s.get("/status/", bearer(access)).wantError(s.t, 401, "invalid_token")
		for kind, tok := range map[string]string{"access": access, "refresh": refresh} {
			if s.active(tok) {
				s.t.Errorf("%s token %d is active", kind, i)
			}
		}
	}
}

// wantAlive checks that the access token and the refresh token count. It does
// not spend them.
func (s *system) wantAlive(tokens reply) {
	s.t.Helper()
	s.get("/status/", bearer(tokens.str("access_token"))).wantOK(s.t)
	for _, name := range []string{"access_token", "refresh_token"} {
		if !s.active(tokens.str(name)) {
			s.t.Errorf("%s is not active", name)
		}
	}
}

// active asks the introspection endpoint.
func (s *system) active(tok string) bool {
	s.t.Helper()
	res := s.post("/introspect", form("token", tok), as("service", serviceSecret))
	res.wantOK(s.t)
	return res.JSON["active"] == true
}

func TestRefreshRotates(t *testing.T) {
	s := newSystem(t)
	first := s.login("me items")
	s.clock.Add(time.Minute)
	second := s.refresh(first.str("refresh_token"))
	second.wantOK(t)
	if second.str("refresh_token") == first.str("refresh_token") || second.str("access_token") == first.str("access_token") {
		t.Error("a token was handed out twice")
	}
	if got := second.str("scope"); got != "me items" {
		t.Errorf("scope %q", got)
	}
	was, is := claimsOf(t, first.str("refresh_token")), claimsOf(t, second.str("refresh_token"))
	if is["gen"] != was["gen"].(float64)+1 || is["gid"] != was["gid"] || is["sub"] != was["sub"] || is["jti"] == was["jti"] {
		t.Errorf("%v became %v", was, is)
	}
	// The user did not log in again (RFC 9068 §2.2.1).
	if a, b := claimsOf(t, first.str("access_token")), claimsOf(t, second.str("access_token")); a["auth_time"] != b["auth_time"] || a["gid"] != b["gid"] {
		t.Errorf("%v became %v", a, b)
	}
	s.wantAlive(second)
}

// Contract §4: a repeat of the last rotation inside the grace is a lost answer
// or a parallel request of the same client.
func TestRepeatInsideTheGrace(t *testing.T) {
	for name, later := range map[string]time.Duration{
		"contract-4 at once":               0,
		"contract-4 inside the grace":      29 * time.Second,
		"contract-4 at exactly the grace":  30 * time.Second,
		"contract-4 clock a minute behind": -time.Minute,
		"contract-4 a millisecond later":   time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t)
			all := s.rotations(1)
			s.clock.Add(later)
			for range 3 {
				again := s.refresh(all[0].str("refresh_token"))
				again.wantOK(t)
				if again.str("refresh_token") != all[1].str("refresh_token") {
					t.Error("the repeat got another successor")
				}
				if again.str("access_token") == all[1].str("access_token") {
					t.Error("the repeat got the same access token")
				}
			}
			s.refresh(all[1].str("refresh_token")).wantOK(t) // unspent
		})
	}
}

// RFC 9700 §4.14.2: whoever comes second with a token that was used may be the
// client or a thief; both have to stop.
func TestReuseRevokesTheAuthorization(t *testing.T) {
	for _, c := range []struct {
		name    string
		behind  int
		later   time.Duration
		options func(*server.Options)
	}{
		{"contract-4 one behind, just outside the grace", 1, 30*time.Second + time.Millisecond, func(*server.Options) {}},
		{"contract-4 one behind, long after", 1, 24 * time.Hour, func(o *server.Options) { o.AccessTTL = 48 * time.Hour }},
		{"contract-4 two behind, inside the grace of the last", 2, 0, func(*server.Options) {}},
		{"contract-4 three behind", 3, time.Second, func(*server.Options) {}},
		{"contract-2 one behind, no grace set", 1, time.Millisecond, func(o *server.Options) { o.ReuseGrace = 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSystem(t, c.options)
			all := s.rotations(3)
			s.clock.Add(c.later)
			s.wantAlive(all[3])
			res := s.refresh(all[3-c.behind].str("refresh_token"))
			res.wantRefusal(t, 400, "invalid_grant")
			if !strings.Contains(res.str("error_description"), "used before") {
				t.Errorf("unclear: %s", res.body)
			}
			if !strings.Contains(s.log.String(), `"event":"refresh_token.reused"`) {
				t.Error("no audit event")
			}
			s.wantDead(all...)
		})
	}
}

// The authorization of one login is no other's business.
func TestReuseSparesOtherAuthorizations(t *testing.T) {
	s := newSystem(t)
	bystander := s.login("me")
	all := s.rotations(2)
	s.refresh(all[0].str("refresh_token")).wantRefusal(t, 400, "invalid_grant")
	s.wantDead(all...)
	s.wantAlive(bystander)
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// backup copies the database as it is now, and gives the way back.
func (s *system) backup() (restore func()) {
	s.t.Helper()
	copied := s.path + ".backup"
	s.restart(func(path string) { copyFile(s.t, path, copied) })
	return func() {
		s.t.Helper()
		s.restart(func(path string) { copyFile(s.t, copied, path) })
	}
}

// Contract §4: the token is ahead of the row when the database was restored
// from an older copy. The client must not have to log in again.
func TestTokenAheadOfARestoredDatabase(t *testing.T) {
	t.Run("contract-4 accepted, and rotation goes on from there", func(t *testing.T) {
		s := newSystem(t)
		first := s.login("me items")
		restore := s.backup()
		latest := first
		for range 5 {
			s.clock.Add(time.Minute)
			latest = s.refresh(latest.str("refresh_token"))
		}
		restore()
		s.wantAlive(latest)
		next := s.refresh(latest.str("refresh_token"))
		next.wantOK(t)
		if got, want := claimsOf(t, next.str("refresh_token"))["gen"], claimsOf(t, latest.str("refresh_token"))["gen"].(float64)+1; got != want {
			t.Errorf("generation %v, want %v", got, want)
		}
		again := s.refresh(latest.str("refresh_token"))
		if again.str("refresh_token") != next.str("refresh_token") {
			t.Error("a repeat after the restore got another successor")
		}
		s.refresh(next.str("refresh_token")).wantOK(t)
		s.refresh(first.str("refresh_token")).wantRefusal(t, 400, "invalid_grant") // reuse, as ever
		s.wantDead(next)
	})
	t.Run("contract-4 accepted, although the restored row has expired", func(t *testing.T) {
		s := newSystem(t)
		first := s.login("me")
		restore := s.backup()
		s.clock.Add(700 * time.Hour)
		latest := s.refresh(first.str("refresh_token"))
		s.clock.Add(100 * time.Hour)
		latest = s.refresh(latest.str("refresh_token"))
		restore()
		s.wantAlive(latest)
		s.refresh(first.str("refresh_token")).wantRefusal(t, 400, "invalid_grant") // itself it is expired
		next := s.refresh(latest.str("refresh_token"))
		next.wantOK(t)
		s.wantAlive(next)
	})
	t.Run("contract-4 not past the absolute life", func(t *testing.T) {
		s := newSystem(t, func(o *server.Options) { o.RefreshTTL, o.RefreshMaxTTL = 720*time.Hour, 730*time.Hour })
		first := s.login("me")
		restore := s.backup()
		s.clock.Add(719 * time.Hour)
		latest := s.refresh(first.str("refresh_token"))
		restore()
		s.clock.Add(11 * time.Hour)
		if s.active(latest.str("refresh_token")) {
			t.Error("active past its end")
		}
		s.refresh(latest.str("refresh_token")).wantRefusal(t, 400, "invalid_grant")
	})
	t.Run("contract-4 a hundred at once get one successor", func(t *testing.T) {
		s := newSystem(t)
		first := s.login("me")
		restore := s.backup()
		s.clock.Add(time.Minute)
		ahead := s.refresh(s.refresh(first.str("refresh_token")).str("refresh_token")).str("refresh_token")
		restore()
		if got := s.successors(100, ahead); len(got) != 1 {
			t.Errorf("%d different successors", len(got))
		}
	})
}

// successors refreshes the same token n times at once.
func (s *system) successors(n int, refresh string) map[string]int {
	var mu sync.Mutex
	got := map[string]int{}
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			res := s.refresh(refresh)
			mu.Lock()
			defer mu.Unlock()
			if res.StatusCode != http.StatusOK {
				s.t.Errorf("%d %s", res.StatusCode, res.body)
			}
			got[res.str("refresh_token")]++
		})
	}
	wg.Wait()
	return got
}

func TestTwoHundredParallelRefreshes(t *testing.T) {
	s := newSystem(t)
	first := s.login("me items").str("refresh_token")
	s.clock.Add(time.Minute)
	successors := s.successors(200, first)
	if len(successors) != 1 {
		t.Fatalf("%d different successors, want the same one for all", len(successors))
	}
	for successor := range successors {
		s.refresh(successor).wantOK(t)
	}
}

// Whatever comes first, nothing that was handed out lives on afterwards.
func TestParallelRefreshAndEnd(t *testing.T) {
	for name, end := range map[string]func(s *system, spent, current string) reply{
		"7009-2.1 revocation": func(s *system, _, current string) reply {
			return s.post("/revoke", form("client_id", "app", "token", current))
		},
		"contract-4 reuse": func(s *system, spent, _ string) reply { return s.refresh(spent) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t)
			for range 5 {
				all := s.rotations(1)
				s.clock.Add(time.Minute)
				spent, current := all[0].str("refresh_token"), all[1].str("refresh_token")
				var mu sync.Mutex
				var wg sync.WaitGroup
				handedOut := map[string]reply{}
				for i := range 16 {
					wg.Go(func() {
						if i == 7 {
							end(s, spent, current)
							return
						}
						res := s.refresh(current)
						mu.Lock()
						defer mu.Unlock()
						if res.StatusCode == http.StatusOK {
							handedOut[res.str("access_token")] = res
						}
					})
				}
				wg.Wait()
				s.wantDead(all...)
				successors := map[string]bool{}
				for _, res := range handedOut {
					s.wantDead(res)
					successors[res.str("refresh_token")] = true
				}
				if len(successors) > 1 {
					t.Errorf("%d different successors", len(successors))
				}
			}
		})
	}
}

func TestIdleExpiry(t *testing.T) {
	const idle = 720 * time.Hour
	for _, c := range []struct {
		name  string
		later time.Duration
		code  string
	}{
		{"contract-2 a second before", idle - time.Second, ""},
		{"7519-4.1.4 on the second", idle, "invalid_grant"},
		{"contract-2 later", idle + time.Hour, "invalid_grant"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSystem(t)
			first := s.login("me")
			s.clock.Add(c.later)
			if active := s.active(first.str("refresh_token")); active != (c.code == "") {
				t.Errorf("active: %v", active)
			}
			res := s.refresh(first.str("refresh_token"))
			if c.code == "" {
				res.wantOK(t)
				s.clock.Add(idle - time.Second) // it slides
				s.refresh(res.str("refresh_token")).wantOK(t)
				return
			}
			res.wantRefusal(t, 400, c.code)
			if !strings.Contains(res.str("error_description"), "expired") {
				t.Errorf("unclear: %s", res.body)
			}
		})
	}
}

func TestAbsoluteExpiryBeforeIdleExpiry(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.RefreshMaxTTL = 100 * time.Hour })
	first := s.login("me").str("refresh_token")
	if got, want := claimsOf(t, first)["exp"], float64(s.clock.Now().Add(100*time.Hour).Unix()); got != want {
		t.Errorf("exp %v, want %v", got, want)
	}
	s.clock.Add(100 * time.Hour)
	s.refresh(first).wantRefusal(t, 400, "invalid_grant")
}

func TestAbsoluteExpiry(t *testing.T) {
	s := newSystem(t)
	end := s.clock.Now().Add(2160 * time.Hour)
	latest := s.login("me")
	for range 3 {
		s.clock.Add(700 * time.Hour)
		latest = s.refresh(latest.str("refresh_token"))
		latest.wantOK(t)
	}
	if got := claimsOf(t, latest.str("refresh_token"))["exp"]; got != float64(end.Unix()) {
		t.Errorf("the refresh token expires at %v, not at the end of the authorization", got)
	}
	s.clock.Add(60*time.Hour - 5*time.Minute)
	latest = s.refresh(latest.str("refresh_token"))
	latest.wantOK(t)
	if got := latest.JSON["expires_in"]; got != 300.0 {
		t.Errorf("expires_in %v: the access token outlives the authorization", got)
	}
	s.clock.Add(5 * time.Minute)
	s.refresh(latest.str("refresh_token")).wantRefusal(t, 400, "invalid_grant")
}

// RFC 6749 §6: the scope of a refresh may narrow, never widen, and the new
// refresh token has the scope of the old one.
func TestScopeOfARefresh(t *testing.T) {
	s := newSystem(t)
	latest := s.login("me items")
	for _, c := range []struct{ name, asked, want string }{
		{"6749-6 narrower", "me", "me"},
		{"6749-6 the full scope again", "", "me items"},
		{"6749-6 the full scope by name, in another order", "items me", "me items"},
		{"6749-6 the other half", "items", "items"},
		{"6749-6 and the full scope again", "", "me items"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.clock.Add(time.Minute)
			res := s.refresh(latest.str("refresh_token"), "scope", c.asked)
			res.wantOK(t)
			if res.str("scope") != c.want || claimsOf(t, res.str("access_token"))["scope"] != c.want {
				t.Errorf("scope %q, want %q", res.str("scope"), c.want)
			}
			if got := claimsOf(t, res.str("refresh_token"))["scope"]; got != "me items" {
				t.Errorf("the refresh token's scope became %q", got)
			}
			latest = res
		})
	}
	for name, asked := range map[string]string{
		"6749-6 wider":                              "me items items:write",
		"6749-6 other":                              "items:write",
		"6749-6 does not exist":                     "magic",
		"6749-3.3 doubled space":                    "me  items",
		"6749-3.3 quote":                            `me"`,
		"contract-4 exists, but not for the client": "admin",
	} {
		t.Run(name, func(t *testing.T) {
			s.clock.Add(time.Minute)
			s.refresh(latest.str("refresh_token"), "scope", asked).wantRefusal(t, 400, "invalid_scope")
			s.wantAlive(latest) // nothing was spent
		})
	}
	s.refresh(latest.str("refresh_token")).wantOK(t)
}

// Contract §2: the scopes of the settings are the only ones that exist.
func TestScopeTakenOutOfTheSettings(t *testing.T) {
	s := newSystem(t)
	first := s.login("me items")
	s.opts.Scopes = []server.Scope{{Name: "items:write"}, {Name: "items"}}
	s.startServer()
	s.clock.Add(time.Minute)
	s.refresh(first.str("refresh_token"), "scope", "me").wantRefusal(t, 400, "invalid_scope")
	res := s.refresh(first.str("refresh_token"))
	res.wantOK(t)
	if res.str("scope") != "items" {
		t.Errorf("scope %q, want what is left of it", res.str("scope"))
	}
}

// RFC 6749 §10.4: a refresh token is bound to its client. Whoever else has it
// can neither use it nor use it up.
func TestRefreshTokenOfAnotherClient(t *testing.T) {
	s := newSystem(t)
	all := s.rotations(1)
	mine, spent := all[1].str("refresh_token"), all[0].str("refresh_token")
	s.clock.Add(time.Minute)
	for name, send := range map[string]func(tok string) reply{
		"6749-10.4 public": func(tok string) reply {
			return s.post("/token", form("grant_type", "refresh_token", "client_id", "other", "refresh_token", tok))
		},
		"6749-10.4 confidential": func(tok string) reply {
			return s.post("/token", form("grant_type", "refresh_token", "refresh_token", tok), as("service", serviceSecret))
		},
		"contract-3 at /refresh": func(tok string) reply {
			return s.post("/refresh", form("client_id", "other", "refresh_token", tok))
		},
	} {
		t.Run(name, func(t *testing.T) {
			send(mine).wantRefusal(t, 400, "invalid_grant")
			send(spent).wantRefusal(t, 400, "invalid_grant") // nor can it pass for reuse
			s.wantAlive(all[1])
		})
	}
	s.refresh(mine).wantOK(t)
}

func TestNoRefreshToken(t *testing.T) {
	s := newSystem(t)
	good := s.login("me")
	refresh := good.str("refresh_token")
	parts := strings.Split(refresh, ".")
	claims := claimsOf(t, refresh)
	now := s.clock.Now()
	minted := func(by *token.Refresher, change func(*token.Refresh)) string {
		r := token.Refresh{
			Subject: "u-ann", ClientID: "app", Scope: scopes.Set{"me"}, GrantID: claims["gid"].(string), Generation: 1,
			IssuedAt: now, ExpireAt: now.Add(time.Hour),
		}
		change(&r)
		made, err := by.Mint(r)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	as := func(*token.Refresh) {}
	ours := token.NewRefresher(s.master, s.opts.Issuer, s.clock.Now)
	for name, tok := range map[string]string{
		"6749-5.2 garbage":                    "garbage",
		"6749-5.2 two dots":                   "..",
		"6749-5.2 truncated by a byte":        refresh[:len(refresh)-1],
		"6749-5.2 without its MAC":            parts[0] + "." + parts[1] + ".",
		"6749-5.2 its first half":             refresh[:len(refresh)/2],
		"6749-5.2 a byte more":                refresh + "A",
		"6749-5.2 padded":                     refresh + "=",
		"6749-5.2 a blank behind":             refresh + " ",
		"6749-5.2 of 20 KB":                   refresh + strings.Repeat("A", 20_000),
		"9068-5 an access token in its place": good.str("access_token"),
		"8725-3.2 alg none":                   "eyJhbGciOiJub25lIiwidHlwIjoicnQrand0In0." + parts[1] + ".",
		"8725-3.8 another issuer":             minted(token.NewRefresher(s.master, "https://other.example", s.clock.Now), as),
		"contract-2 another master key":       minted(token.NewRefresher(masterOf(t, 8), s.opts.Issuer, s.clock.Now), as),
		"contract-4 no such authorization":    minted(ours, func(r *token.Refresh) { r.GrantID = "none" }),
		"contract-4 another user's":           minted(ours, func(r *token.Refresh) { r.Subject = "u-bob" }),
		"contract-4 generation zero":          minted(ours, func(r *token.Refresh) { r.Generation = 0 }),
		"contract-4 generation below zero":    minted(ours, func(r *token.Refresh) { r.Generation = -1 }),
		"contract-4 no authorization":         minted(ours, func(r *token.Refresh) { r.GrantID = "" }),
	} {
		t.Run(name, func(t *testing.T) {
			s.refresh(tok).wantRefusal(t, 400, "invalid_grant")
			s.post("/refresh", form("refresh_token", tok)).wantRefusal(t, 400, "invalid_grant")
			s.wantAlive(good)
		})
	}
}

// Two servers share a database; their clocks differ by a minute.
func TestClockSkewOfAMinute(t *testing.T) {
	for name, skew := range map[string]time.Duration{"ahead": time.Minute, "behind": -time.Minute} {
		t.Run("issue-2 the other clock is "+name, func(t *testing.T) {
			here := newSystem(t) // the signing key is new, too
			there := here.beside(skew)

			tokens := here.login("me items")
			there.wantAlive(tokens) // issued in the future, or a minute old
			for range 3 {           // to and fro
				tokens = there.refresh(tokens.str("refresh_token"))
				tokens.wantOK(t)
				here.wantAlive(tokens)
				tokens = here.refresh(tokens.str("refresh_token"))
				tokens.wantOK(t)
				there.wantAlive(tokens)
			}
			here.post("/revoke", form("client_id", "app", "token", tokens.str("refresh_token"))).wantOK(t)
			if err := there.srv.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			there.wantDead(tokens)
		})
	}
}
