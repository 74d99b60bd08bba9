package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// replica is a server that can be restarted while requests come.
type replica struct {
	*system
	now atomic.Pointer[server.Server]
}

// replica starts a server with a master key on the system's database.
func (s *system) replica(m *token.Master) *replica {
	s.t.Helper()
	r := &replica{system: new(*s)}
	r.startWith(m)
	r.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.now.Load().ServeHTTP(w, q) }))
	s.t.Cleanup(r.web.Close)
	return r
}

func (r *replica) startWith(m *token.Master) {
	r.t.Helper()
	r.opts.Master = m
	r.startServer()
	r.now.Store(r.srv)
}

// prepare is "grantd key reseal --prepare".
func (s *system) prepare(old, next *token.Master) {
	s.t.Helper()
	if err := server.PrepareReseal(s.t.Context(), s.db, old, next, s.clock.Now()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) how() server.Reseal {
	return server.Reseal{Now: s.clock.Now(), RefreshMaxTTL: s.opts.RefreshMaxTTL}
}

// finish is "grantd key reseal --finish".
func (s *system) finish(m *token.Master) server.Resealed {
	s.t.Helper()
	done, err := s.how().Finish(s.t.Context(), s.db, m)
	if err != nil {
		s.t.Fatal(err)
	}
	return done
}

// chain refreshes one authorization at whichever server is next.
type chain struct {
	token string
	made  atomic.Int64
}

// until waits for more refreshes by all.
func refreshed(t *testing.T, chains []*chain, more int64) {
	t.Helper()
	from := make([]int64, len(chains))
	for i, c := range chains {
		from[i] = c.made.Load()
	}
	eventually(t, time.Minute, "refreshes", func() bool {
		for i, c := range chains {
			if c.made.Load() < from[i]+more {
				return t.Failed()
			}
		}
		return true
	})
}

// From one master key to another: no refresh is refused, at whichever server it comes, in whichever step.
func TestResealUnderLoad(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) *system{
		"sqlite": func(t *testing.T) *system { return newSystem(t) },
		"postgres": func(t *testing.T) *system {
			s := newSystemOn(t, "", pgtest.URL(t), func(o *server.Options) { o.Now = nil })
			s.clock.Add(time.Since(s.clock.Now())) // as that of the database
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			old, next := s.master, masterOf(t, 8)
			both := []*replica{s.replica(old), s.replica(old)}
			idle := s.login("me").str("refresh_token") // of somebody who comes back when all is over
			access := s.login("me").str("access_token")

			chains := make([]*chain, 6)
			var running sync.WaitGroup
			var stop atomic.Bool
			for i := range chains {
				c := &chain{token: s.login("me").str("refresh_token")}
				chains[i] = c
				running.Go(func() {
					for n := i; !stop.Load(); n++ {
						res := both[n%2].refresh(c.token)
						if res.StatusCode != http.StatusOK {
							t.Errorf("refused: %d %s", res.StatusCode, res.body)
							return
						}
						c.token = res.str("refresh_token")
						c.made.Add(1)
					}
				})
			}
			defer running.Wait()
			defer stop.Store(true)

			refreshed(t, chains, 3)
			s.prepare(old, next)
			refreshed(t, chains, 3)
			both[0].startWith(next)
			refreshed(t, chains, 3)
			both[1].startWith(next)
			refreshed(t, chains, 3)
			done := s.finish(next)
			refreshed(t, chains, 3) // neither has heard of it
			both[1].sync()
			refreshed(t, chains, 5) // one has
			both[0].sync()
			refreshed(t, chains, 3)
			both[0].startWith(next)
			refreshed(t, chains, 3)
			stop.Store(true)
			running.Wait()

			both[0].refresh(idle).wantOK(t)
			both[1].wantAccepted(access)
			if done.Before != old.ID() || done.After != next.ID() || done.SigningKeys < 2 {
				t.Errorf("done: %+v", done)
			}
			s.opts.Master = old
			_, err := server.New(t.Context(), s.opts)
			want := fmt.Sprintf("the master key %s is not that of this database, which is %s", old.ID(), next.ID())
			if !errors.Is(err, token.ErrSealed) || !strings.Contains(err.Error(), want) {
				t.Errorf("started with the old master key: %v, want %q", err, want)
			}
		})
	}
}

// A server that was not restarted goes on with what it has, and takes nobody's token for dead that it
// cannot read.
func TestResealAtOnce(t *testing.T) {
	s := newSystem(t)
	next := masterOf(t, 8)
	left, restarted := s.replica(s.master), s.replica(s.master)
	before := s.login("me")
	if _, err := server.ResealAtOnce(t.Context(), s.db, s.master, next, s.how()); err != nil {
		t.Fatal(err)
	}
	restarted.startWith(next)
	after := restarted.refresh(before.str("refresh_token"))
	after.wantOK(t)
	left.wantAccepted(after.str("access_token"))
	stillGood := left.login("me")
	restarted.wantAccepted(stillGood.str("access_token"))
	restarted.refresh(stillGood.str("refresh_token")).wantOK(t)

	s.clock.Add(2 * time.Second)
	res := left.refresh(after.str("refresh_token"))
	if res.StatusCode != http.StatusServiceUnavailable || res.str("error") != "temporarily_unavailable" || res.Header.Get("Retry-After") != "1" {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
	for path, name := range map[string]string{"/revoke": "token", "/introspect": "token"} {
		res := left.post(path, form(name, after.str("refresh_token")), as("service", serviceSecret))
		if res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.body)
		}
	}
	if !strings.Contains(s.log.String(), `"reason":"master_key_replaced"`) || !strings.Contains(s.log.String(), "is not that of this database") {
		t.Error("the log does not say why")
	}
	left.refresh("not.a.token").wantError(t, http.StatusBadRequest, "invalid_grant")
	left.startWith(next)
	left.refresh(after.str("refresh_token")).wantOK(t)
	// What nobody made is refused, as ever.
	forged := after.str("refresh_token")
	forged = forged[:len(forged)-2] + strings.Repeat(string('A'+forged[len(forged)-2]%2), 2)
	s.clock.Add(2 * time.Second)
	left.refresh(forged).wantError(t, http.StatusBadRequest, "invalid_grant")
}

// What the audit log is authenticated with stays the same.
func TestResealKeepsKeys(t *testing.T) {
	s := newSystem(t)
	next := masterOf(t, 8)
	before, err := s.sealedKey(s.master)
	if err != nil {
		t.Fatal(err)
	}
	s.prepare(s.master, next)
	for _, m := range []*token.Master{s.master, next} {
		if key, err := s.sealedKey(m); err != nil || !bytes.Equal(key, before) {
			t.Errorf("between: %v, or another key", err)
		}
	}
	s.finish(next)
	if key, err := s.sealedKey(next); err != nil || !bytes.Equal(key, before) {
		t.Errorf("afterwards: %v, or another key", err)
	}
	if _, err := s.sealedKey(s.master); !errors.Is(err, token.ErrSealed) {
		t.Errorf("with the old master key: %v", err)
	}
	if err := server.CheckMaster(t.Context(), s.db, s.master, s.clock.Now()); !errors.Is(err, token.ErrSealed) {
		t.Errorf("checked with the old master key: %v", err)
	}
}

// Either all is under the new master key or nothing.
func TestResealIsInterrupted(t *testing.T) {
	s := newSystem(t)
	next := masterOf(t, 8)
	tokens := s.login("me")
	for name, harm := range map[string][2]string{
		"in its midst":         {`CREATE TRIGGER harm BEFORE INSERT ON sealed_keys BEGIN SELECT RAISE(ABORT, 'no disk'); END`, `DROP TRIGGER harm`},
		"by a key not to open": {`UPDATE signing_keys SET id = id || 'X' WHERE alg = 'RS256'`, `UPDATE signing_keys SET id = rtrim(id, 'X') WHERE alg = 'RS256'`},
	} {
		s.alter(harm[0])
		if _, err := server.ResealAtOnce(t.Context(), s.db, s.master, next, s.how()); err == nil {
			t.Errorf("%s: no error", name)
		}
		s.alter(harm[1])
		if err := server.CheckMaster(t.Context(), s.db, next, s.clock.Now()); !errors.Is(err, token.ErrSealed) {
			t.Errorf("%s: the new master key: %v", name, err)
		}
		s.startServer()
		tokens = s.refresh(tokens.str("refresh_token"))
		tokens.wantOK(t)
	}
}

func TestResealRefusals(t *testing.T) {
	s := newSystem(t)
	ctx, now := t.Context(), s.clock.Now()
	next, other := masterOf(t, 8), masterOf(t, 9)
	finish := func(m *token.Master) error {
		_, err := s.how().Finish(ctx, s.db, m)
		return err
	}
	atOnce := func(old, next *token.Master) error {
		_, err := server.ResealAtOnce(ctx, s.db, old, next, s.how())
		return err
	}
	for name, c := range map[string]struct{ err, want error }{
		"the same key":            {server.PrepareReseal(ctx, s.db, s.master, s.master, now), server.ErrSameMaster},
		"the same key at once":    {atOnce(s.master, s.master), server.ErrSameMaster},
		"the old key is another":  {server.PrepareReseal(ctx, s.db, other, next, now), token.ErrSealed},
		"at once, it is another":  {atOnce(other, next), token.ErrSealed},
		"nothing is prepared":     {finish(s.master), server.ErrNotPrepared},
		"finished by a stranger":  {finish(next), token.ErrSealed},
		"nothing to cancel":       {server.CancelReseal(ctx, s.db, s.master), server.ErrNotPrepared},
		"cancelled by a stranger": {server.CancelReseal(ctx, s.db, other), token.ErrSealed},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	s.prepare(s.master, next)
	s.prepare(s.master, next) // again
	for name, c := range map[string]struct{ err, want error }{
		"another next":          {server.PrepareReseal(ctx, s.db, s.master, other, now), server.ErrOtherNext},
		"another next at once":  {atOnce(s.master, other), server.ErrOtherNext},
		"finished with the old": {finish(s.master), server.ErrNotPrepared},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	if err := server.CancelReseal(ctx, s.db, next); err == nil {
		t.Error("the new master key cancelled itself")
	}
	if err := server.CancelReseal(ctx, s.db, s.master); err != nil {
		t.Error(err)
	}
	if err := finish(next); !errors.Is(err, token.ErrSealed) {
		t.Errorf("finished what was cancelled: %v", err)
	}
	s.startServer()
}

// With a leaked master key refresh tokens can be forged.
func TestResealAfterALeak(t *testing.T) {
	s := newSystem(t)
	first := s.login("me").str("refresh_token")
	second := masterOf(t, 8)
	if _, err := server.ResealAtOnce(t.Context(), s.db, s.master, second, s.how()); err != nil {
		t.Fatal(err)
	}
	s.opts.Master = second
	s.startServer()
	of := s.login("me").str("refresh_token")
	how := s.how()
	how.Leaked = true
	third := masterOf(t, 9)
	done, err := server.ResealAtOnce(t.Context(), s.db, second, third, how)
	if err != nil || !done.RefreshUntil.IsZero() {
		t.Fatal(done, err)
	}
	s.opts.Master = third
	s.startServer()
	for _, refresh := range []string{first, of} {
		s.refresh(refresh).wantError(t, http.StatusBadRequest, "invalid_grant")
	}
	s.refresh(s.login("me").str("refresh_token")).wantOK(t)
}

// Keys of before are kept for as long as what they made is good, and there are a handful.
func TestOldRefreshKeys(t *testing.T) {
	s := newSystem(t)
	refresh := s.login("me").str("refresh_token")
	m := s.master
	for i := range byte(4) {
		next := masterOf(t, 10+i)
		done, err := server.ResealAtOnce(t.Context(), s.db, m, next, s.how())
		if err != nil {
			t.Fatal(err)
		}
		if want := s.clock.Now().Add(s.opts.RefreshMaxTTL + time.Hour); !done.RefreshUntil.Equal(want) {
			t.Errorf("good until %v, want %v", done.RefreshUntil, want)
		}
		m = next
	}
	_, err := server.ResealAtOnce(t.Context(), s.db, m, masterOf(t, 20), s.how())
	if err == nil || !strings.Contains(err.Error(), "refresh tokens of 4 master keys from before are still good") {
		t.Errorf("a fifth: %v", err)
	}
	s.opts.Master = m
	s.startServer()
	s.refresh(refresh).wantOK(t)

	s.clock.Add(s.opts.RefreshMaxTTL + time.Hour)
	s.sweep()
	rows, err := s.db.SealedKeys(t.Context())
	if err != nil || slices.ContainsFunc(rows, func(k store.SealedKey) bool { return k.Kind == "refresh" }) {
		t.Errorf("%d keys are left, %v", len(rows), err)
	}
	if _, err := server.ResealAtOnce(t.Context(), s.db, m, masterOf(t, 20), s.how()); err != nil {
		t.Error(err)
	}
}

// Of two operators, of whom one finishes and the other cancels, one is told that it did not happen.
func TestResealIsFinishedOrCancelled(t *testing.T) {
	for name, s := range map[string]*system{"SQLite": newSystem(t), "PostgreSQL": newSystemOn(t, "", pgtest.URL(t), func(o *server.Options) { o.Now = nil })} {
		now, how := s.master, s.how()
		how.Leaked = true // or there are too many keys of before
		for i := range byte(40) {
			next := masterOf(t, 100+i)
			s.prepare(now, next)
			var finished, cancelled error
			var both sync.WaitGroup
			both.Go(func() { _, finished = how.Finish(t.Context(), s.db, next) })
			both.Go(func() { cancelled = server.CancelReseal(t.Context(), s.db, now) })
			both.Wait()
			if (finished == nil) == (cancelled == nil) {
				t.Fatalf("%s: finished: %v, cancelled: %v", name, finished, cancelled)
			}
			if finished == nil {
				now = next
			}
		}
	}
}
