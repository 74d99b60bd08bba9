package main

import (
	"cmp"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantd/grantd/store/storetest/pgtest"
)

// soakTime is how long each scenario goes on ("make soak"). Zero is the short form
// of "make test": one round of trouble.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	return durationOf(t, "GRANTD_SOAK")
}

// durationOf reads a variable of the environment by which make asks for the long form of a test. Zero: it does not.
func durationOf(t *testing.T, variable string) time.Duration {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return d
}

// scenario is a kind of trouble.
type scenario struct {
	name    string
	fault   func(s *scene)               // one round of it
	once    bool                         // there can be no second round
	answers time.Duration                // how long clients wait for one; zero: answerTime
	clients func(s *scene) []func()      // the load; nil: everybody
	wants   func(t *testing.T, s *scene) // more than the history has to show
}

// scene is what scenarios break: replicas, the networks between each of them and
// PostgreSQL, and that.
type scene struct {
	*replicas
	root     *testing.T // whose end is that of the replicas
	cluster  *pgtest.Cluster
	networks []*pgtest.Network
	grace    time.Duration // tokens.reuse_grace
	lasts    time.Duration // how long each scenario goes on; zero: one round
}

// either returns the duration for the short or the long form.
func (s *scene) either(short, long time.Duration) time.Duration {
	if s.lasts == 0 {
		return short
	}
	return long
}

// newScene leaves out how the replicas reach the database.
func newScene(t *testing.T) *scene {
	t.Helper()
	return &scene{root: t, lasts: soakTime(t), grace: 30 * time.Second}
}

// start starts the replicas of the scene.
func (s *scene) start(database string, through ...string) {
	s.root.Helper()
	s.replicas = startReplicas(s.root, replicaSetup{
		database: database, through: through, env: []string{"GRANTD_SHUTDOWN_DELAY=1s"}, grace: s.grace,
	})
}

// startApart starts three replicas with a network of its own for each.
func (s *scene) startApart() {
	s.root.Helper()
	s.cluster = pgtest.Start(s.root, pgtest.Options{NoSync: true})
	database := s.cluster.CreateDatabase()
	var through []string
	for range 3 {
		n := pgtest.Proxy(s.root, database)
		s.networks = append(s.networks, n)
		through = append(through, n.URL(database))
	}
	s.start(database, through...)
}

// TestSoak runs all kinds of clients against three replicas while parts fail, and
// lets the checker judge what they were told.
func TestSoak(t *testing.T) {
	s := newScene(t)
	s.startApart()
	for _, c := range scenarios {
		t.Run(c.name, func(t *testing.T) { s.run(t, c) })
	}
	s.end()
}

// run lets clients come and go while the fault happens, and judges.
func (s *scene) run(t *testing.T, c scenario) {
	t.Helper()
	var stopping atomic.Bool
	s.t, s.history, s.stopped = t, newHistory(), stopping.Load
	s.refused.Store(0)
	for _, r := range s.list {
		r.answers = cmp.Or(c.answers, answerTime)
		r.process.Load().client.Timeout = r.answers
	}
	clients := s.everybody()
	if c.clients != nil {
		clients = c.clients(s)
	}
	var running sync.WaitGroup
	for _, client := range clients {
		running.Go(client)
	}
	calm := s.either(300*time.Millisecond, 3*time.Second)
	for began := time.Now(); ; {
		time.Sleep(calm)
		c.fault(s)
		time.Sleep(calm)
		if c.once || time.Since(began) >= s.lasts {
			break
		}
	}
	stopping.Store(true)
	running.Wait()
	s.history.wantKept(t, s.rules)
	if c.wants != nil {
		c.wants(t, s)
	}
	t.Logf("refreshes: %d answered, %d not; uses: %d answered, %d not",
		s.history.count(refreshed, event.done), s.history.count(refreshed, event.unknown),
		s.history.count(used, event.done), s.history.count(used, event.unknown))
}

// everybody is some clients of each kind.
func (s *scene) everybody() (clients []func()) {
	for range int(s.either(3, 12)) {
		clients = append(clients, s.single)
	}
	return append(clients, s.tabs, s.leaver, s.thief, s.operator, s.withPassword)
}

// end wants every replica to have come through, and to end in good order.
func (s *scene) end() {
	s.root.Helper()
	var running sync.WaitGroup
	for i, r := range s.list {
		running.Go(func() {
			if status, err := r.process.Load().stop(); err != nil || status != exitOK {
				s.root.Errorf("replica %d: exit status %d, %v: %s", i, status, err, r.process.Load().Log.String())
			}
		})
	}
	running.Wait()
}
