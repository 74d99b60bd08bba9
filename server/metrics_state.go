package server

import (
	"time"

	"github.com/grantd/grantd/server/telemetry"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// watchState adds what is read off the server when somebody asks.
func (s *Server) watchState() {
	m := s.metrics
	m.ofDatabase(s.DB)
	m.ofHashing(s.hashes)
	m.Value(telemetry.Gauge, "revocations", "Revocations that are remembered.", func() float64 { return float64(s.live.known()) })
	m.Value(telemetry.Gauge, "revocations_age_seconds", "How long ago the database was last asked for revocations. Past 1 it is asked about each token.",
		func() float64 { return s.live.age(s.Now()).Seconds() })
	m.Value(telemetry.Gauge, "clock_offset_seconds", "How far the database's clock, which counts, is ahead of this machine's, if by more than a second.",
		func() float64 { return time.Duration(s.clock.ahead.Load()).Seconds() })
	m.Value(telemetry.Gauge, "backchannel_notices_waiting", "Notices of a logout that wait to be sent, or to be sent again.",
		func() float64 { return float64(s.farewells.depth()) })
	m.Value(telemetry.Gauge, "audit_events_waiting", "Events that wait to be written to the audit log.",
		func() float64 { waiting, _ := s.events.depth(); return float64(waiting) })
	m.Value(telemetry.Gauge, "audit_failing", "1 while the audit log cannot be written.",
		func() float64 { _, failing := s.events.depth(); return float64(truth(failing)) })
	s.watchKeys()
	s.watchCaches()
}

// WatchCertificate tells until when the certificate is good that the public listener shows. Zero means
// that nobody knows.
func (f *frame) WatchCertificate(until func() time.Time) {
	f.metrics.Func(telemetry.Gauge, "tls_certificate_expiry_timestamp_seconds", "Until when the TLS certificate is good; missing where grantd speaks no TLS.", func(emit telemetry.Emit) {
		if at := until(); !at.IsZero() {
			emit(seconds(at))
		}
	})
}

// watchKeys tells, for each algorithm, since when its key has signed, and when the next one will. So
// an alert can say that nobody has rotated for long.
func (s *Server) watchKeys() {
	algs := []string{token.ES256, token.EdDSA, token.RS256} // HS256 has no key that is rotated
	s.metrics.Func(telemetry.Gauge, "signing_key_since_timestamp_seconds", "Since when the key has signed that signs now.", func(emit telemetry.Emit) {
		for _, alg := range algs {
			if key, err := s.ring.SignerOf(alg, s.Now()); err == nil {
				emit(seconds(key.SignFrom), alg)
			}
		}
	}, "alg")
	s.metrics.Func(telemetry.Gauge, "signing_key_next_timestamp_seconds", "When the next key will begin to sign; missing where none waits.", func(emit telemetry.Emit) {
		for _, alg := range algs {
			if at, ok := s.ring.Next(alg, s.Now()); ok {
				emit(seconds(at), alg)
			}
		}
	}, "alg")
}

// watchCaches tells how often what is remembered saved a look at the database.
func (s *Server) watchCaches() {
	caches := []struct {
		name  string
		usage *cacheUsage
		size  func() int
	}{{"clients", &s.clients.usage, s.clients.size}, {"owners", &s.owners.usage, s.owners.size}}
	s.metrics.Func(telemetry.Count, "cache_lookups_total", "Looks for a row that may be remembered.", func(emit telemetry.Emit) {
		for _, c := range caches {
			emit(float64(c.usage.hits.Load()), c.name, "hit")
			emit(float64(c.usage.misses.Load()), c.name, "miss")
		}
	}, "cache", "result")
	s.metrics.Func(telemetry.Gauge, "cache_rows", "Rows that are remembered.", func(emit telemetry.Emit) {
		for _, c := range caches {
			emit(float64(c.size()), c.name)
		}
	}, "cache")
}

// commitBounds are those of store.Stats.
var commitBounds = []float64{1, 2, 4, 8, 16, 32, 64}

// ofDatabase adds what the store counts.
func (m *metrics) ofDatabase(db *store.DB) {
	of := func(kind telemetry.Kind, name, help string, read func(store.PoolStats) float64) {
		m.Func(kind, name, help, func(emit telemetry.Emit) {
			for _, p := range db.Stats().Pools {
				emit(read(p), p.Name)
			}
		}, "pool")
	}
	of(telemetry.Gauge, "database_connections_max", "Connections that there may be.", func(p store.PoolStats) float64 { return float64(p.Most) })
	of(telemetry.Gauge, "database_connections_in_use", "Connections at work.", func(p store.PoolStats) float64 { return float64(p.Busy) })
	of(telemetry.Gauge, "database_connections_idle", "Connections that are open and wait for work.", func(p store.PoolStats) float64 { return float64(p.Open - p.Busy) })
	of(telemetry.Count, "database_connection_waits_total", "How often one had to wait for a connection.", func(p store.PoolStats) float64 { return float64(p.Waits) })
	of(telemetry.Count, "database_connection_wait_seconds_total", "How long was waited for connections.", func(p store.PoolStats) float64 { return p.Waited.Seconds() })
	m.Value(telemetry.Count, "database_errors_total", "Faults of the database itself: gone, full, locked, damaged.", func() float64 { return float64(db.Stats().Unavailable) })
	m.Value(telemetry.Count, "database_retries_total", "Statements and transactions that were done once more.", func() float64 { return float64(db.Stats().Again) })
	m.Sizes("rotation_commit_size", "How many refreshes shared a commit.", commitBounds, func() ([]uint64, float64) {
		s := db.Stats()
		return s.Commits[:], float64(s.Rotations)
	})
}

// seconds is a time as metrics have it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
