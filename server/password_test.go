package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
	"golang.org/x/crypto/bcrypt"
)

// withHash adds a user whose password has this hash.
func (s *system) withHash(name, hash string) {
	s.t.Helper()
	if err := s.db.CreateUser(s.t.Context(), store.User{ID: "u-" + name, Username: name, PasswordHash: hash}); err != nil {
		s.t.Fatal(err)
	}
}

// loginAs asks for a token of any user.
func (s *system) loginAs(username, secret string) reply {
	s.t.Helper()
	return s.post("/token", form("grant_type", "password", "client_id", "app", "username", username, "password", secret))
}

// occupyHashes takes every place in which a password hash may run, until release
// or until a test has waited for too long.
func (s *system) occupyHashes() (release func()) {
	s.t.Helper()
	free := sync.OnceFunc(s.srv.OccupyHashes())
	late := time.AfterFunc(20*time.Second, func() {
		s.t.Error("something waits for a hash that should not")
		free()
	})
	return func() { late.Stop(); free() }
}

func TestCostIsRaised(t *testing.T) {
	for _, c := range []struct {
		name          string
		setting, want int
	}{
		{"lower than the setting", 6, 6}, {"equal", 4, 4},
	} {
		s := newSystem(t, func(o *server.Options) { o.BcryptCost = c.setting })
		s.loginAs("ann", password).wantOK(t)
		u, err := s.db.User(t.Context(), "u-ann")
		if err != nil {
			t.Fatal(err)
		}
		if cost, err := bcrypt.Cost([]byte(u.PasswordHash)); err != nil || cost != c.want {
			t.Errorf("%s: cost %d, want %d, error %v", c.name, cost, c.want, err)
		}
		if same := u.PasswordHash == passwordHash; same != (c.setting == 4) {
			t.Errorf("%s: the hash stayed the same: %v", c.name, same)
		}
	}
}

// Two tabs log in for the first time after an import. The one whose new hash
// came second was told that the password is wrong.
func TestParallelFirstLoginsOfAnImportedUser(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.BcryptCost, o.MaxConcurrentHashes = 6, 8 })
	s.withHash("imp", "$pbkdf2-sha256$1000$p1RqTSnlfC9FyLlXqhVCyA$pPhDVn840FwEBbbT3HQ1RC8k6Wa5cRGFwmcbdcvED/A")
	release := s.occupyHashes()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { s.loginAs("imp", password).wantOK(t) })
	}
	eventually(t, 10*time.Second, "all have read the old hash", func() bool { return s.srv.HashesWaiting() == 8 })
	release()
	wg.Wait()
}

// The password is changed while a login hashes the old one anew: the change wins.
func TestPasswordIsChangedDuringRehash(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.BcryptCost, o.MaxConcurrentHashes = 6, 1 })
	other, err := server.HashPassword("other password", 6)
	if err != nil {
		t.Fatal(err)
	}
	release := s.occupyHashes()
	var wg sync.WaitGroup
	wg.Go(func() { s.loginAs("ann", password).wantError(t, http.StatusBadRequest, "invalid_grant") })
	eventually(t, 10*time.Second, "the login has read the old hash", func() bool { return s.srv.HashesWaiting() == 1 })
	now := s.clock.Now()
	if _, err := s.db.SetPassword(t.Context(), "u-ann", other, now, now); err != nil {
		t.Fatal(err)
	}
	release()
	wg.Wait()
	s.loginAs("ann", password).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.loginAs("ann", "other password").wantOK(t)
}

func TestUserIsDeletedDuringRehash(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.BcryptCost, o.MaxConcurrentHashes = 6, 1 })
	release := s.occupyHashes()
	var wg sync.WaitGroup
	wg.Go(func() { s.loginAs("ann", password).wantError(t, http.StatusBadRequest, "invalid_grant") })
	eventually(t, 10*time.Second, "the login has read the old hash", func() bool { return s.srv.HashesWaiting() == 1 })
	now := s.clock.Now()
	if _, err := s.db.DeleteUser(t.Context(), "u-ann", now, now); err != nil {
		t.Fatal(err)
	}
	release()
	wg.Wait()
}

// Contract §5: a wrong username and a wrong password are the same answer in the
// same time. The time is that of one hash at the configured cost.
func TestUnknownUserCostsAHash(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.MaxConcurrentHashes = 1 })
	s.withHash("unusable", "!")
	var bodies []string
	for _, c := range []struct{ name, username, password string }{
		{"wrong password", "ann", "wrong password"},
		{"unknown user", "nobody", password},
		{"unknown email", "nobody@example.com", password},
		{"disabled user", "eve", password},
		{"hash of no scheme", "unusable", password},
	} {
		release := s.occupyHashes()
		var res reply
		var wg sync.WaitGroup
		wg.Go(func() { res = s.loginAs(c.username, c.password) })
		eventually(t, 10*time.Second, c.name+": waits for its one hash", func() bool { return s.srv.HashesWaiting() == 1 })
		release()
		wg.Wait()
		res.wantError(t, http.StatusBadRequest, "invalid_grant")
		bodies = append(bodies, res.bodyWithoutID())
		if res.bodyWithoutID() != bodies[0] {
			t.Errorf("%s: %s, unlike %s", c.name, res.body, bodies[0])
		}
	}
	// The stand-in is hashed in full, at the cost of the others, and fits nothing.
	nobody := []byte(s.srv.HashOfNobody())
	if cost, err := bcrypt.Cost(nobody); err != nil || cost != s.opts.BcryptCost {
		t.Errorf("cost %d, error %v", cost, err)
	}
	for _, secret := range []string{"", password, strings.Repeat(".", 53)} {
		if err := bcrypt.CompareHashAndPassword(nobody, []byte(secret)); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			t.Errorf("compared with %q: %v", secret, err)
		}
	}
}

// What cannot succeed is refused before it costs a hash.
func TestRefusedBeforeHashing(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.MaxConcurrentHashes = 1 })
	defer s.occupyHashes()()
	for _, c := range []struct {
		name, code string
		pairs      []string
	}{
		{"73 bytes", "invalid_request", []string{"username", "ann", "password", strings.Repeat("x", 73)}},
		{"60 KB", "invalid_request", []string{"username", "ann", "password", strings.Repeat("x", 60_000)}},
		{"1 MB", "invalid_request", []string{"username", "ann", "password", strings.Repeat("x", 1<<20)}},
		{"unknown scope", "invalid_scope", []string{"username", "ann", "password", password, "scope", "nothing"}},
		{"scope of no client", "invalid_scope", []string{"username", "ann", "password", password, "scope", "admin"}},
		{"no password", "invalid_request", []string{"username", "ann"}},
	} {
		s.post("/token", form(append([]string{"grant_type", "password", "client_id", "app"}, c.pairs...)...)).wantError(t, http.StatusBadRequest, c.code)
	}
	s.post("/token", form("grant_type", "password", "username", "ann", "password", password), as("service", "wrong")).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.send("POST", "/users/", `{"username":"x","password":"short"}`, jsonBody).wantError(t, http.StatusUnprocessableEntity, "invalid_request")
}

// A storm of logins: so many wait, the others hear when to come back, and
// refresh, introspection and validation go on.
func TestLoginStorm(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.MaxConcurrentHashes = 1 })
	tokens := s.login("me")
	release := s.occupyHashes()
	const places = server.QueuePerHash
	var wg sync.WaitGroup
	for range places {
		wg.Go(func() { s.loginAs("ann", password).wantOK(t) })
	}
	eventually(t, 10*time.Second, "the queue is full", func() bool { return s.srv.HashesWaiting() == places })
	for range 3 {
		res := s.loginAs("ann", password)
		res.wantRefusal(t, http.StatusServiceUnavailable, "temporarily_unavailable")
		if got := res.Header.Get("Retry-After"); got != "1" {
			t.Errorf("Retry-After %q", got)
		}
	}
	s.refresh(tokens.str("refresh_token")).wantOK(t)
	s.wantAccepted(tokens.str("access_token"))
	s.post("/introspect", form("token", tokens.str("access_token")), as("service", serviceSecret)).wantOK(t)
	s.post("/token", form("grant_type", "client_credentials"), as("service", serviceSecret)).wantOK(t)
	release()
	wg.Wait()
	s.loginAs("ann", password).wantOK(t)
}

// A caller who hangs up frees the place in the queue.
func TestCallersWhoLeaveTheQueue(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.MaxConcurrentHashes = 1 })
	release := s.occupyHashes()
	const places = server.QueuePerHash
	ctx, hangUp := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range places {
		wg.Go(func() {
			r, err := http.NewRequestWithContext(ctx, "POST", s.web.URL+"/token",
				strings.NewReader(form("grant_type", "password", "client_id", "app", "username", "ann", "password", password).Encode()))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if res, err := http.DefaultTransport.RoundTrip(r); err == nil {
				res.Body.Close()
				t.Errorf("answered %d without a hash", res.StatusCode)
			}
		})
	}
	eventually(t, 10*time.Second, "the queue is full", func() bool { return s.srv.HashesWaiting() == places })
	hangUp()
	wg.Wait()
	eventually(t, 10*time.Second, "the queue is empty", func() bool { return s.srv.HashesWaiting() == 0 })
	release()
	s.loginAs("ann", password).wantOK(t)
}

// A refusal costs the same whatever hash the user has: 2^cost rounds in all.
func TestRefusalsCostTheSame(t *testing.T) {
	const cost = 9
	for from := 4; from <= cost; from++ {
		work := 1 << from
		for _, rest := range server.RestCosts(fmt.Sprintf("$2b$%02d$%s", from, strings.Repeat(".", 53)), cost) {
			work += 1 << rest
		}
		if work != 1<<cost {
			t.Errorf("a hash of cost %d costs %d rounds, want %d", from, work, 1<<cost)
		}
	}
	if rest := server.RestCosts("$argon2id$v=19$m=64,t=2,p=2$c2FsdHNhbHQ$AAAAAAAAAAAAAAAA", cost); len(rest) != 1 || rest[0] != cost {
		t.Errorf("a hash of another scheme is followed by costs %v", rest)
	}
}
