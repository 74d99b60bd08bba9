package main

import (
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
	text := os.Getenv("GRANTD_SOAK")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("GRANTD_SOAK: %v", err)
	}
	return d
}

// scene is three replicas, each with a network of its own to one PostgreSQL, for a
// scenario to break.
type scene struct {
	*replicas
	cluster  *pgtest.Cluster
	networks []*pgtest.Network
	long     bool
}

// either returns the duration for the short or the long form.
func (s *scene) either(short, long time.Duration) time.Duration {
	if s.long {
		return long
	}
	return short
}

// scenario is a kind of trouble.
type scenario struct {
	name   string
	env    []string
	fault  func(s *scene)               // one round of it
	wants  func(t *testing.T, s *scene) // more than the history has to show
	client func(s *scene) []func()      // the load; nil: everybody
}

// TestSoak runs all kinds of clients against three replicas while parts fail, and
// lets the checker judge what they were told.
func TestSoak(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{NoSync: true})
	for _, c := range scenarios {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, cluster, c.env)
			s.run(t, c)
		})
	}
}

const replicaCount = 3

func newScene(t *testing.T, cluster *pgtest.Cluster, env []string) *scene {
	t.Helper()
	s := &scene{cluster: cluster, long: soakTime(t) > 0}
	setup := replicaSetup{database: cluster.CreateDatabase(), env: env, grace: s.either(30*time.Second, 2*time.Minute)}
	for range replicaCount {
		n := pgtest.Proxy(t, setup.database)
		s.networks = append(s.networks, n)
		setup.through = append(setup.through, n.URL(setup.database))
	}
	s.replicas = startReplicas(t, setup)
	return s
}

// run lets clients come and go while the fault happens, and judges.
func (s *scene) run(t *testing.T, c scenario) {
	t.Helper()
	var stopping atomic.Bool
	s.stopped = stopping.Load
	clients := s.everybody()
	if c.client != nil {
		clients = c.client(s)
	}
	var running sync.WaitGroup
	for _, client := range clients {
		running.Go(client)
	}
	time.Sleep(500 * time.Millisecond)
	for began := time.Now(); ; {
		c.fault(s)
		time.Sleep(500 * time.Millisecond)
		if time.Since(began) >= soakTime(t) {
			break
		}
	}
	stopping.Store(true)
	running.Wait()
	s.history.wantKept(t, s.rules)
	if c.wants != nil {
		c.wants(t, s)
	}
	t.Logf("%d refreshes, %d of them without an answer", s.history.count(refreshed, any200), s.history.count(refreshed, event.unknown))
	for i, r := range s.list {
		if status, err := r.process.Load().stop(); err != nil || status != exitOK {
			t.Errorf("replica %d: exit status %d, %v: %s", i, status, err, r.process.Load().Log.String())
		}
	}
}

func any200(e event) bool { return e.status == 200 }

// everybody is some clients of each kind.
func (s *scene) everybody() (clients []func()) {
	singles := 3
	if s.long {
		singles = 12
	}
	for range singles {
		clients = append(clients, s.single)
	}
	return append(clients, s.tabs, s.leaver, s.thief, s.operator, s.withPassword)
}

var scenarios = []scenario{
	{name: "kill -9 of a replica", fault: killReplica},
	{name: "a rolling restart", fault: rollingRestart, env: []string{"GRANTD_SHUTDOWN_DELAY=500ms"}, wants: noneFailed},
	{name: "PostgreSQL stopped and started", fault: restartPostgres},
	{name: "connections cut one by one and all at once", fault: cutConnections},
	{name: "the network of a replica frozen", fault: freezeNetwork},
	{name: "a slow database", fault: slowDatabase},
	{name: "one token at the same instant", fault: sameInstant, client: onlyTabs},
	{name: "a clock two minutes ahead", fault: restartWithClock("2m")},
	{name: "a clock two minutes behind", fault: restartWithClock("-2m")},
}

func killReplica(s *scene) {
	r := s.list[0]
	r.process.Load().kill()
	time.Sleep(500 * time.Millisecond)
	r.start(s.t)
}

// rollingRestart waits for each replica before it stops the next.
func rollingRestart(s *scene) {
	for _, r := range s.list {
		if status, err := r.process.Load().stop(); err != nil || status != exitOK {
			s.t.Errorf("exit status %d, %v: %s", status, err, r.process.Load().Log.String())
		}
		r.start(s.t)
		eventually(s.t, "a restarted replica is ready", r.up.Load)
	}
}

func noneFailed(t *testing.T, s *scene) {
	t.Helper()
	for _, e := range s.history.all() {
		if e.unknown() && !e.direct {
			t.Errorf("a request failed: %s", e)
		}
	}
}

func restartPostgres(s *scene) {
	s.cluster.Stop(pgtest.Fast)
	time.Sleep(s.either(time.Second, 5*time.Second))
	s.cluster.Start()
}

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
}

func freezeNetwork(s *scene) {
	s.networks[0].Freeze()
	time.Sleep(s.either(3*time.Second, 30*time.Second))
	s.networks[0].Thaw()
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

func sameInstant(s *scene) { time.Sleep(s.either(2*time.Second, 10*time.Second)) }

func onlyTabs(s *scene) []func() { return []func(){s.tabs, s.tabs, s.tabs, s.tabs} }

// restartWithClock gives the first replica a clock that is wrong.
func restartWithClock(by string) func(s *scene) {
	return func(s *scene) {
		r := s.list[0]
		if len(r.env) == 0 || r.env[len(r.env)-1] != clockError+"="+by {
			r.env = append(r.env, clockError+"="+by)
			r.process.Load().kill()
			r.start(s.t)
		}
		time.Sleep(s.either(2*time.Second, 10*time.Second))
	}
}
