package server_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
)

// withoutLog does something while the audit log cannot be written.
func (s *system) withoutLog(do func()) {
	s.t.Helper()
	s.srv.FlushEvents(s.t.Context())
	s.alter(`ALTER TABLE audit_events RENAME TO hidden`)
	do()
	s.alter(`ALTER TABLE hidden RENAME TO audit_events`)
}

// allEvents are the events of a chain as "type".
func (s *system) allEvents(chain, kind string) []store.StoredEvent {
	s.t.Helper()
	s.srv.FlushEvents(s.t.Context())
	events, err := s.db.Events(s.t.Context(), store.EventFilter{Chain: chain, Type: kind})
	if err != nil {
		s.t.Fatal(err)
	}
	return events
}

// wantWhole wants both chains to fit.
func (s *system) wantWhole(t *testing.T) {
	t.Helper()
	found, err := s.db.VerifyEvents(t.Context(), s.srv.AuditKey(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range found {
		if c.Fault != "" || c.Unsealed != 0 {
			t.Errorf("%s: %q, %d unsealed", c.Chain, c.Fault, c.Unsealed)
		}
	}
}

// A login is answered when the audit log has it, and it is answered although the log does not get it in time.
func TestDecisionsAreWrittenBeforeTheAnswer(t *testing.T) {
	s := newSystem(t)
	s.login("me")
	answered := make(chan struct{})
	s.withoutLog(func() {
		go func() {
			defer close(answered)
			s.login("me")
		}()
		select {
		case <-answered:
			t.Error("answered before it was written")
		case <-time.After(300 * time.Millisecond):
		}
	})
	<-answered
	if found := s.allEvents(store.Decisions, "grant.created"); len(found) != 2 {
		t.Errorf("%d of 2 authorizations are in the audit log", len(found))
	}
	s.withoutLog(func() {
		begin := time.Now()
		s.login("me")
		if took := time.Since(begin); took < time.Second || took > 5*time.Second {
			t.Errorf("a log that is away held the answer up for %v", took)
		}
		if n, failing := s.srv.WaitingEvents(); n != 2 || !failing {
			t.Errorf("%d events wait, failing: %t", n, failing)
		}
	})
	if found := s.allEvents(store.Decisions, "grant.created"); len(found) != 3 {
		t.Errorf("%d of 3 authorizations are in the audit log", len(found))
	}
	if !strings.Contains(s.log.String(), "writing the audit log fails") {
		t.Error("the log does not say that the audit log cannot be written")
	}
	s.wantWhole(t)
}

// A server that ends while the database cannot be written says how many events only the log has, before it is gone.
func TestEventsThatAreGivenUp(t *testing.T) {
	s := newSystem(t)
	s.login("me")
	s.srv.FlushEvents(t.Context())
	s.withoutLog(func() {
		s.get("/users/me/")
		s.get("/users/me/")
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		s.srv.FlushEvents(ctx)
		if !strings.Contains(s.log.String(), `"msg":"events are missing in the audit log of the database; this log has them","events":2`) {
			t.Errorf("the log does not say that two events are missing: %s", s.log.String())
		}
	})
}

// A storm of refusals does not fill the disk, and none is forgotten.
func TestStormOfRefusals(t *testing.T) {
	s := newSystem(t)
	const storm = 1300
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range storm / 4 {
				s.get("/status/")
			}
		})
	}
	all.Wait()
	kept := len(s.allEvents(store.Decisions, "request.refused"))
	if kept < 1000 || kept > 1250 {
		t.Errorf("%d refusals are in the audit log, want 1000 and a few", kept)
	}
	left := 0
	for _, e := range s.allEvents(store.Decisions, "audit.summary") {
		n, _ := e.Detail["left_out"].(float64)
		left += int(n)
		if words := fmt.Sprint(e.Detail); !strings.Contains(words, "token_missing") || !strings.Contains(words, "127.0.0.1") {
			t.Errorf("a summary says %s", words)
		}
	}
	if kept+left != storm {
		t.Errorf("%d kept and %d left out, of %d", kept, left, storm)
	}
	if n := len(s.records("request")); n != storm {
		t.Errorf("the log has %d of %d", n, storm)
	}
	s.wantWhole(t)
}

// Who finds the queue full waits for room, and what finds none in time is counted.
func TestFullQueueOfEvents(t *testing.T) {
	s := newSystem(t)
	add := func(patience time.Duration, n int) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for i := range n {
			s.srv.AddEvent(ctx, store.Event{Type: "token.issued", ClientID: "app", RequestID: fmt.Sprint(i)})
		}
	}
	var last sync.WaitGroup
	s.withoutLog(func() {
		add(time.Minute, 1)
		for n, failing := s.srv.WaitingEvents(); !failing; n, failing = s.srv.WaitingEvents() {
			if n == 0 {
				t.Fatal("it was written")
			}
			time.Sleep(10 * time.Millisecond)
		}
		add(time.Minute, server.MaxUnwritten)
		begin := time.Now()
		add(100*time.Millisecond, 1)
		if took := time.Since(begin); took < 100*time.Millisecond || took > 3*time.Second {
			t.Errorf("who found it full waited for %v", took)
		}
		last.Go(func() { add(time.Minute, 1) })
	})
	last.Wait()
	if found := s.allEvents(store.Routine, ""); len(found) != server.MaxUnwritten+2 {
		t.Errorf("%d of %d events were written", len(found), server.MaxUnwritten+2)
	}
	if found := s.allEvents(store.Decisions, "audit.summary"); len(found) != 1 || found[0].Detail["left_out"] != 1.0 {
		t.Errorf("the summaries are %v", found)
	}
	s.wantWhole(t)
}

// A server says when it starts, with what settings, and when it ends; then how far the chains have come.
func TestStartAndStopAreEvents(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.Settings = map[string]any{"issuer": "x"} })
	stop := s.run(t)
	s.login("me")
	if s.post("/token", form("grant_type", "client_credentials"), as("service", serviceSecret)).StatusCode != http.StatusOK {
		t.Fatal("no token")
	}
	stop()
	var kinds []string
	for _, e := range s.allEvents(store.Decisions, "*.st*ed") {
		kinds = append(kinds, e.Type)
	}
	if got := strings.Join(kinds, " "); got != "server.started server.stopped" {
		t.Errorf("events %s", got)
	}
	head := s.allEvents(store.Decisions, "audit.head")
	if len(head) != 1 || !strings.HasPrefix(fmt.Sprint(head[0].Detail["routine"]), "routine:1:") {
		t.Fatalf("heads %v", head)
	}
	noted, err := store.ParseHead(fmt.Sprint(head[0].Detail["decisions"]))
	if err != nil {
		t.Fatal(err)
	}
	storetest.WantChains(t, s.db, s.srv.AuditKey(), int(head[0].Seq), 1, noted)
}

// What was kept long enough goes, and the chain still fits.
func TestEventsArePruned(t *testing.T) {
	s := newSystem(t)
	s.login("me")
	s.refresh(s.login("me").str("refresh_token"))
	s.srv.FlushEvents(t.Context())
	s.clock.Add(s.opts.RoutineRetention + time.Minute)
	prune := func(decisions, routine int) {
		t.Helper()
		if err := s.srv.PruneEvents(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d, r := len(s.allEvents(store.Decisions, "")), len(s.allEvents(store.Routine, "")); d != decisions || r != routine {
			t.Errorf("%d decisions and %d routine events are left, want %d and %d", d, r, decisions, routine)
		}
		s.wantWhole(t)
	}
	before := len(s.allEvents(store.Decisions, ""))
	prune(before, 0)
	s.clock.Add(s.opts.AuditRetention)
	prune(0, 0)
	s.login("me")
	s.wantWhole(t)
}

// A chain that ends before what a server has seen in it was cut, or is that of an older copy.
func TestLogThatWentBack(t *testing.T) {
	s := newSystem(t)
	s.login("me")
	s.srv.FlushEvents(t.Context())
	s.alter(`INSERT INTO copies (role, id, state) VALUES ('target', '', 'begun')`)
	s.alter(`DELETE FROM audit_events WHERE seq > 1`)
	s.alter(`UPDATE audit_chains SET seq = 1, hash = (SELECT hash FROM audit_events WHERE seq = 1)`)
	s.alter(`DELETE FROM copies`)
	s.login("me")
	s.srv.FlushEvents(t.Context())
	if !strings.Contains(s.log.String(), `"event":"audit.went_back"`) {
		t.Error("the server took no notice")
	}
}

// A spent code is sent again and again by who has it. That fills the disk no more than other refusals do.
func TestStormOfReplays(t *testing.T) {
	s := newSystem(t)
	s.addApps()
	code := s.code(asked())
	s.redeem(code).wantOK(t)
	began := time.Now()
	const replays = 1300
	var all sync.WaitGroup
	for range 13 {
		all.Go(func() {
			for range replays / 13 {
				s.redeem(code).wantRefusal(t, http.StatusBadRequest, "invalid_grant")
			}
		})
	}
	all.Wait()
	kept, most := len(s.allEvents(store.Decisions, "authorization_code.reused")), 1001+int(5*time.Since(began).Seconds())
	if kept < 1000 || kept > most {
		t.Errorf("%d of %d replays are kept, want up to %d", kept, replays, most)
	}
	if len(s.allEvents(store.Decisions, "audit.summary")) == 0 {
		t.Error("nothing tells of those that were left out")
	}
}
