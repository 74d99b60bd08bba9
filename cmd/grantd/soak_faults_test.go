package main

import (
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/store/storetest/pgtest"
)

// scenarios are the kinds of trouble that replicas on one PostgreSQL go through,
// one after the other.
var scenarios = []scenario{
	{name: "one token at the same instant", fault: sameInstant, clients: onlyTabs, wants: repeats},
	{name: "kill -9 of a replica", fault: killReplica},
	{name: "a rolling restart", fault: rollingRestart, wants: noneFailed},
	{name: "PostgreSQL stopped, crashed and started", fault: restartPostgres},
	{name: "connections cut one by one and all at once", fault: cutConnections},
	{name: "the network of a replica frozen", fault: freezeNetwork, answers: time.Second},
	{name: "the network of all replicas frozen", fault: freezeNetworks, answers: time.Second},
	{name: "a slow database", fault: slowDatabase, wants: slowAnswers},
	{name: "clocks two minutes off", fault: wrongClocks},
}

func sameInstant(s *scene) { time.Sleep(s.either(time.Second, 10*time.Second)) }

func onlyTabs(s *scene) []func() { return []func(){s.tabs, s.tabs, s.tabs, s.tabs} }

// repeats wants the log to tell which of two requests was the repeat.
func repeats(t *testing.T, s *scene) {
	t.Helper()
	var log string
	for _, r := range s.list {
		log += r.process.Load().Log.String()
	}
	for _, outcome := range []string{`"outcome":"rotated"`, `"outcome":"repeated"`} {
		if !strings.Contains(log, outcome) {
			t.Errorf("%s is not in the log", outcome)
		}
	}
}

func killReplica(s *scene) {
	r := s.list[0]
	r.process.Load().kill()
	time.Sleep(500 * time.Millisecond)
	s.restart(r)
}

// restart starts a replica that has ended and waits until it is ready.
func (s *scene) restart(r *replica) {
	r.up.Store(false) // what the balancer heard of its predecessor
	r.start(s.root)
	eventually(s.t, "a restarted replica is ready", r.up.Load)
}

// rollingRestart waits for each replica before it stops the next.
func rollingRestart(s *scene) {
	for _, r := range s.list {
		if status, err := r.process.Load().stop(); err != nil || status != exitOK {
			s.t.Errorf("exit status %d, %v: %s", status, err, r.process.Load().Log.String())
		}
		s.restart(r)
	}
}

// noneFailed wants every request answered by the replica it was sent to, so that
// also a balancer that does not retry loses none.
func noneFailed(t *testing.T, s *scene) {
	t.Helper()
	if n := s.refused.Load(); n > 0 {
		t.Errorf("%d connections were refused before the balancer noticed", n)
	}
	for _, e := range s.history.all() {
		if e.unknown() && !e.direct {
			t.Errorf("a request failed: %s", e)
		}
	}
}

// restartPostgres stops it in good order, and then as a crash does.
func restartPostgres(s *scene) {
	s.cluster.Stop(pgtest.Fast)
	time.Sleep(s.either(1500*time.Millisecond, 10*time.Second))
	s.cluster.Start()
	time.Sleep(s.either(300*time.Millisecond, 3*time.Second))
	s.cluster.Kill()
	s.cluster.Start()
}

// cutConnections cuts first one by one, then all, and then all whose answers are
// under way: what they committed nobody was told.
func cutConnections(s *scene) {
	for range 5 {
		for _, n := range s.networks {
			n.CutOne()
			time.Sleep(30 * time.Millisecond)
		}
	}
	for _, n := range s.networks {
		n.Cut()
	}
	for _, n := range s.networks {
		n.FreezeReplies()
	}
	time.Sleep(100 * time.Millisecond)
	for _, n := range s.networks {
		n.Cut()
		n.Thaw()
	}
}

func freezeNetwork(s *scene) {
	s.networks[0].Freeze()
	time.Sleep(s.either(3*time.Second, 30*time.Second))
	s.networks[0].Thaw()
}

func freezeNetworks(s *scene) {
	for _, n := range s.networks {
		n.Freeze()
	}
	time.Sleep(s.either(3*time.Second, 30*time.Second))
	for _, n := range s.networks {
		n.Thaw()
	}
}

func slowDatabase(s *scene) {
	for _, n := range s.networks {
		n.Delay(2 * time.Second)
	}
	time.Sleep(s.either(4*time.Second, 30*time.Second))
	for _, n := range s.networks {
		n.Delay(0)
	}
}

// slowAnswers wants them to come all the same.
func slowAnswers(t *testing.T, s *scene) {
	t.Helper()
	slow := func(e event) bool { return e.status == 200 && e.end-e.start > 2*time.Second }
	if s.history.count(refreshed, slow) == 0 {
		t.Error("no refresh was answered while the database was slow")
	}
}

// wrongClocks gives one replica a clock that is ahead and another one that is behind.
func wrongClocks(s *scene) {
	withClock := func(r *replica, by string) {
		r.process.Load().kill()
		r.env = append(r.env, clockError+"="+by) // of two the last counts
		s.restart(r)
	}
	withClock(s.list[0], "2m")
	withClock(s.list[1], "-2m")
	time.Sleep(s.either(1500*time.Millisecond, 10*time.Second))
	withClock(s.list[0], "0")
	withClock(s.list[1], "0")
}
