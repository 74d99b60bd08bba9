package main

import (
	"testing"
	"time"

	"github.com/grantd/grantd/store/storetest/pgtest"
)

// A standby takes over whose primary dies under load. It is synchronous: what the
// primary acknowledged, the standby has.
func TestSoakFailover(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.cluster = pgtest.Start(t, pgtest.Options{NoSync: true})
	primary := s.cluster.CreateDatabase()
	standby := s.cluster.Standby(t, pgtest.StandbyOptions{Synchronous: true})
	both, _ := severalHosts(t, primary, standby)
	s.start(both, both, both, both)
	s.run(t, scenario{once: true, fault: func(s *scene) {
		s.cluster.Kill()
		time.Sleep(s.either(500*time.Millisecond, 10*time.Second))
		standby.Promote()
	}})
	s.end()
}

// PgBouncer in transaction mode, and its connections to PostgreSQL cut.
func TestSoakBouncer(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.cluster = pgtest.Start(t, pgtest.Options{NoSync: true})
	database := s.cluster.CreateDatabase()
	n := pgtest.Proxy(t, database)
	bouncer := pgtest.Bouncer(t, n.URL(database), pgtest.BouncerOptions{})
	s.start(database, bouncer, bouncer, bouncer)
	s.run(t, scenario{fault: func(*scene) {
		for range 5 {
			n.CutOne()
			time.Sleep(100 * time.Millisecond)
		}
		n.Cut()
	}})
	s.end()
}
