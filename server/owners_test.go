package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// What is remembered of a user opens nothing any more as soon as a poll tells that the
// user is disabled or gone, here and at another replica (contract §4).
func TestOwnersAreForgotten(t *testing.T) {
	for name, end := range map[string]func(*system, time.Time) error{
		"disabled": func(s *system, until time.Time) error {
			_, err := s.db.DisableUser(s.t.Context(), "u-ann", s.clock.Now(), until)
			return err
		},
		"deleted": func(s *system, until time.Time) error {
			_, err := s.db.DeleteUser(s.t.Context(), "u-ann", s.clock.Now(), until)
			return err
		},
	} {
		t.Run("contract-4 "+name, func(t *testing.T) {
			s := newSystem(t)
			there := s.beside(0)
			access := bearer(s.login("me").str("access_token"))
			for _, replica := range []*system{s, there} {
				replica.get("/users/me/", access).wantOK(t)
			}
			if err := end(s, s.clock.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			for _, replica := range []*system{s, there} {
				replica.sync()
				replica.get("/users/me/", access).wantError(t, http.StatusUnauthorized, "invalid_token")
				if kept := replica.srv.OwnersKept(); kept != 0 {
					t.Errorf("%d users are still remembered", kept)
				}
			}
		})
	}
}

// Without polls nobody is remembered for longer than a second.
func TestOwnersAreReadAnewWhenPollsFail(t *testing.T) {
	s := newSystem(t)
	access := bearer(s.login("me").str("access_token"))
	s.get("/users/me/", access).wantOK(t)
	s.alter("UPDATE users SET disabled_at = 1 WHERE id = 'u-ann'") // and the feed says nothing
	s.get("/users/me/", access).wantOK(t)
	s.clock.Add(1001 * time.Millisecond)
	s.get("/users/me/", access).wantChallenge(t, http.StatusUnauthorized, "invalid_token", "me")
}

// What no command changes, but somebody by hand, is seen within a minute; at a new
// authorization at once.
func TestOwnersAreReadAnewAfterAMinute(t *testing.T) {
	s := newSystem(t)
	access := bearer(s.login("me").str("access_token"))
	wantName := func(access edit, want string) {
		t.Helper()
		s.sync()
		if res := s.get("/users/me/", access); res.str("full_name") != want {
			t.Errorf("%d %s, want %s", res.StatusCode, res.body, want)
		}
	}
	wantName(access, "Ann Example")
	s.alter("UPDATE users SET full_name = 'Ann Other' WHERE id = 'u-ann'")
	wantName(access, "Ann Example")
	wantName(bearer(s.login("me").str("access_token")), "Ann Other")
	s.clock.Add(time.Minute + time.Millisecond)
	wantName(access, "Ann Other")
}

// A row that was read before a revocation was heard of is not kept after it.
func TestRowsReadBeforeADrop(t *testing.T) {
	now := time.Unix(1, 0)
	l := server.NewOwnerRows(2)
	l.Put("g", "u-ann", now, func() { l.Drop("other") })
	if l.Get("g", now) != "" {
		t.Error("kept")
	}
	l.Put("g", "u-ann", now, func() {})
	if l.Get("g", now) != "u-ann" || l.Get("g", now.Add(time.Minute)) == "" {
		t.Error("not kept")
	}
	for _, then := range []time.Duration{time.Minute + 1, -1} { // the clock can be set back
		if l.Get("g", now.Add(then)) != "" {
			t.Errorf("believed %v later", then)
		}
	}
}

func TestRowsAreBounded(t *testing.T) {
	now := time.Unix(1, 0)
	l := server.NewOwnerRows(3)
	for i := range 10 {
		l.Put(fmt.Sprint(i), "u-ann", now.Add(time.Duration(i)*time.Second), func() {})
	}
	if n := l.Len(); n != 3 {
		t.Errorf("%d are kept", n)
	}
	l.Tidy(now.Add(2 * time.Minute))
	if n := l.Len(); n != 0 {
		t.Errorf("%d are kept after two minutes", n)
	}
}

// Requests, polls and changes at the same time: whoever was disabled before a poll began
// is refused after it.
func TestOwnersRace(t *testing.T) {
	s := newSystem(t)
	access := bearer(s.login("me").str("access_token"))
	until := s.clock.Now().Add(time.Hour)
	stop, stopped := make(chan struct{}), make(chan struct{})
	for range 4 {
		go func() {
			defer func() { stopped <- struct{}{} }()
			for {
				select {
				case <-stop:
					return
				default:
					answer(s.srv, "GET", &url.URL{Path: "/users/me/"}, access)
				}
			}
		}()
	}
	for i := range 20 {
		if i == 10 {
			if _, err := s.db.DisableUser(t.Context(), "u-ann", s.clock.Now(), until); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.db.RevokeGrant(t.Context(), "none", s.clock.Now(), until); err != nil && err != store.ErrNotFound {
			t.Fatal(err)
		}
		s.sync()
		if res := s.get("/users/me/", access); (res.StatusCode == http.StatusOK) != (i < 10) {
			t.Errorf("round %d: %d %s", i, res.StatusCode, res.body)
		}
	}
	close(stop)
	for range 4 {
		<-stopped
	}
}
