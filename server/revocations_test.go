package server_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// eventually polls until ok, for as long as patience lasts.
func eventually(t *testing.T, patience time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("not after %s: %s", patience, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// revocationsSeen is what an operator's command or another replica does to the
// database, and whose tokens must then be refused.
var revocationsSeen = map[string]func(ctx context.Context, db *store.DB, access string, now, until time.Time) error{
	"authorization revoked": func(ctx context.Context, db *store.DB, access string, now, until time.Time) error {
		_, err := db.RevokeGrants(ctx, store.GrantFilter{UserID: "u-1", Now: now}, until)
		return err
	},
	"user disabled": func(ctx context.Context, db *store.DB, access string, now, until time.Time) error {
		_, err := db.DisableUser(ctx, "u-2", now, until)
		return err
	},
	"user deleted": func(ctx context.Context, db *store.DB, access string, now, until time.Time) error {
		_, err := db.DeleteUser(ctx, "u-3", now, until)
		return err
	},
	"password changed": func(ctx context.Context, db *store.DB, access string, now, until time.Time) error {
		_, err := db.SetPassword(ctx, "u-4", "$2a$04$", now, until)
		return err
	},
	"client deleted": func(ctx context.Context, db *store.DB, access string, now, until time.Time) error {
		_, err := db.DeleteClient(ctx, "other", now, until)
		return err
	},
}

// Contract §4: refused within a second on every replica. This server hears of
// it by its poll alone, with the real clock.
func TestRevocationsArriveWithinASecond(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.Now = nil })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { s.srv.Run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()

	login := func(client, user string) string {
		res := s.post("/token", form("grant_type", "password", "client_id", client, "username", user, "password", password))
		res.wantOK(t)
		return res.str("access_token")
	}
	for i := range 5 {
		u := store.User{ID: fmt.Sprintf("u-%d", i), Username: fmt.Sprintf("user%d", i), PasswordHash: passwordHash}
		if err := s.db.CreateUser(ctx, u); err != nil {
			t.Fatal(err)
		}
	}
	tokens := map[string]string{
		"authorization revoked": login("app", "user1"), "user disabled": login("app", "user2"), "user deleted": login("app", "user3"),
		"password changed": login("app", "user4"), "client deleted": login("other", "user0"),
	}
	untouched := login("app", "ann")
	for name, access := range tokens {
		if res := s.get("/status/", bearer(access)); res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d before it happened", name, res.StatusCode)
		}
	}
	start := time.Now()
	for name, revoke := range revocationsSeen {
		if err := revoke(ctx, s.db, tokens[name], start, start.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	for name, access := range tokens {
		// One second is promised; the others are for a machine that is busy with tests.
		eventually(t, 5*time.Second, name, func() bool { return s.get("/status/", bearer(access)).StatusCode == http.StatusUnauthorized })
		s.get("/users/me/", bearer(access)).wantChallenge(t, http.StatusUnauthorized, "invalid_token", "me")
		if res := s.post("/introspect", form("token", access), as("service", serviceSecret)); res.JSON["active"] != false {
			t.Errorf("%s: introspected as %s", name, res.body)
		}
	}
	s.get("/status/", bearer(untouched)).wantOK(t)
}

// No request asks the database whether its token is valid, and a database that
// is gone takes back no revocation.
func TestValidationAsksNoDatabase(t *testing.T) {
	s := newSystem(t)
	live, revokedGrant, revokedToken := s.login("me"), s.login("me"), s.login("me")
	s.post("/revoke", form("client_id", "app", "token", revokedGrant.str("refresh_token"))).wantOK(t)
	s.post("/revoke", form("client_id", "app", "token", revokedToken.str("access_token"))).wantOK(t)
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.get("/status/", bearer(live.str("access_token"))).wantOK(t)
		for _, dead := range []reply{revokedGrant, revokedToken} {
			s.get("/status/", bearer(dead.str("access_token"))).wantChallenge(t, http.StatusUnauthorized, "invalid_token")
		}
		if err := s.srv.Sync(t.Context()); err == nil {
			t.Error("a closed database was polled")
		}
	}
	// What needs the database says so (contract §5).
	s.get("/users/me/", bearer(live.str("access_token"))).wantRefusal(t, http.StatusServiceUnavailable, "temporarily_unavailable")
}

func TestRevocationsOutliveARestart(t *testing.T) {
	s := newSystem(t)
	dead := s.login("me")
	s.post("/revoke", form("client_id", "app", "token", dead.str("refresh_token"))).wantOK(t)
	s.restart(func(string) {})
	s.get("/status/", bearer(dead.str("access_token"))).wantChallenge(t, http.StatusUnauthorized, "invalid_token")
}

// A replica whose clock is days ahead must not keep this one from hearing what
// those with the right time revoke.
func TestRevocationsOfAReplicaWithAFastClock(t *testing.T) {
	s := newSystem(t)
	fast, right := s.login("me"), s.login("me")
	revoke := func(r reply, at time.Time) {
		t.Helper()
		gid := claimsOf(t, r.str("access_token"))["gid"].(string)
		if _, err := s.db.RevokeGrant(t.Context(), gid, at, at.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		s.sync()
		s.get("/status/", bearer(r.str("access_token"))).wantChallenge(t, http.StatusUnauthorized, "invalid_token")
	}
	revoke(fast, s.clock.Now().Add(48*time.Hour))
	revoke(right, s.clock.Now())
}

// A replica whose clock is behind writes its revocations to a time that this
// one has read already.
func TestRevocationsOfAReplicaWithASlowClock(t *testing.T) {
	s := newSystem(t)
	other := s.beside(-4 * time.Minute)
	first, second := s.login("me"), s.login("me")
	s.post("/revoke", form("client_id", "app", "token", first.str("refresh_token"))).wantOK(t)
	other.post("/revoke", form("client_id", "app", "token", second.str("refresh_token"))).wantOK(t)
	s.clock.Add(11 * time.Second) // not every poll looks back that far
	s.sync()
	s.get("/status/", bearer(second.str("access_token"))).wantChallenge(t, http.StatusUnauthorized, "invalid_token")
}

// A client that was deleted and registered again starts afresh.
func TestClientIsRegisteredAgain(t *testing.T) {
	s := newSystem(t)
	old := s.post("/token", form("grant_type", "client_credentials"), as("plain-service", "plain")).str("access_token")
	now := s.clock.Now()
	if _, err := s.db.DeleteClient(t.Context(), "plain-service", now, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.db.CreateClient(t.Context(), store.Client{ID: "plain-service", SecretHash: server.HashSecret("plain"), Grants: []string{"client_credentials"}}); err != nil {
		t.Fatal(err)
	}
	s.sync()
	s.clock.Add(time.Second)
	fresh := s.post("/token", form("grant_type", "client_credentials"), as("plain-service", "plain")).str("access_token")
	s.get("/status/", bearer(old)).wantChallenge(t, http.StatusUnauthorized, "invalid_token")
	s.get("/status/", bearer(fresh)).wantOK(t)
}

// What was revoked is forgotten when all of its tokens have expired, also those
// that were issued when access tokens lived longer.
func TestRevocationsAreForgotten(t *testing.T) {
	s := newSystem(t)
	for range 3 {
		s.post("/revoke", form("client_id", "app", "token", s.login("me").str("refresh_token"))).wantOK(t)
	}
	if n := s.srv.RevocationsKept(); n != 3 {
		t.Errorf("%d revocations in memory, want 3", n)
	}
	s.clock.Add(server.MaxAccessTTL + 2*server.Leeway)
	s.sync()
	s.sweep()
	if n := s.srv.RevocationsKept(); n != 3 {
		t.Errorf("%d revocations in memory; the clock may have been wrong by an hour", n)
	}
	s.clock.Add(time.Hour + time.Minute)
	s.sync()
	if n := s.srv.RevocationsKept(); n != 0 {
		t.Errorf("%d revocations in memory, want none", n)
	}
	s.sweep()
	if rows, err := s.db.Revocations(t.Context(), time.Time{}, time.Time{}); err != nil || len(rows) != 0 {
		t.Errorf("%d rows left, error %v", len(rows), err)
	}
}

// The sweep leaves an authorization a week after its end: tokens of it may be
// out, or the database may be restored. It goes on over more rows than one batch has.
func TestSweep(t *testing.T) {
	s := newSystem(t)
	keep := s.login("me").str("refresh_token")
	now := s.clock.Now()
	for i := range 600 {
		g := store.Grant{
			ID: fmt.Sprintf("g%04d", i), ClientID: "app", UserID: "u-ann", Generation: 1,
			CreatedAt: now, RotatedAt: now, AuthTime: now, ExpiresAt: now.Add(time.Minute), MaxExpiresAt: now.Add(time.Minute),
		}
		if created, err := s.db.CreateGrant(t.Context(), g, ""); err != nil || !created {
			t.Fatal(created, err)
		}
	}
	left := func() int {
		t.Helper()
		n := 0
		for i := range 600 {
			if _, err := s.db.Grant(t.Context(), fmt.Sprintf("g%04d", i)); err == nil {
				n++
			}
		}
		return n
	}
	s.clock.Add(7 * 24 * time.Hour)
	s.sweep()
	if n := left(); n != 600 {
		t.Errorf("%d authorizations left after a week", n)
	}
	s.clock.Add(2 * time.Minute)
	s.sweep()
	if n := left(); n != 0 {
		t.Errorf("%d of 600 authorizations left", n)
	}
	s.refresh(keep).wantOK(t)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.srv.Sweep(ctx); err == nil {
		t.Error("a sweep went on after its context ended")
	}
}

// Shortening the life of access tokens, as an operator would after a theft, must
// not bring a revoked one back to life.
func TestRevocationOutlivesAShorterSetting(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.AccessTTL = time.Hour })
	stolen := s.login("me")
	s.opts.AccessTTL = time.Second
	s.startServer()
	s.post("/revoke", form("client_id", "app", "token", stolen.str("refresh_token"))).wantOK(t)
	s.clock.Add(10 * time.Minute)
	s.sync()
	s.sweep()
	s.get("/status/", bearer(stolen.str("access_token"))).wantChallenge(t, http.StatusUnauthorized, "invalid_token")
}

// A clock that ran fast and was set right must not hide what others revoke since.
func TestRevocationsAfterTheClockWasSetBack(t *testing.T) {
	s := newSystem(t)
	s.clock.Add(time.Hour)
	s.post("/revoke", form("client_id", "app", "token", s.login("me").str("refresh_token"))).wantOK(t)
	s.sync() // has seen a revocation of an hour ahead
	s.clock.Add(-time.Hour)
	other := s.beside(0)
	res := other.login("me")
	other.post("/revoke", form("client_id", "app", "token", res.str("refresh_token"))).wantOK(t)
	s.sync()
	s.get("/status/", bearer(res.str("access_token"))).wantChallenge(t, http.StatusUnauthorized, "invalid_token")
}

// However long nothing more is revoked, a poll reads back a minute and a half, and
// every ten seconds five minutes: not a burst of this morning again and again.
func TestPollsReadBackFromTheLastOne(t *testing.T) {
	s := newSystem(t)
	back := func(after time.Duration) time.Duration {
		s.clock.Add(after)
		defer s.sync()
		return s.clock.Now().Add(-after).Sub(s.srv.PollsSince(s.clock.Now()))
	}
	for range 3 {
		if got := back(11 * time.Second); got != store.LatestRevocation+time.Minute {
			t.Errorf("late ones: %s", got)
		}
		if got := back(500 * time.Millisecond); got != 90*time.Second {
			t.Errorf("the others: %s", got)
		}
	}
	if got := back(time.Hour); got != store.LatestRevocation+time.Minute {
		t.Errorf("after an outage of an hour: %s before its begin", got)
	}
}
