package server

import (
	"time"

	"github.com/grantd/grantd/server/telemetry"
)

// A hash takes a quarter of a second; who waits, waits for several.
var (
	waitBuckets = []float64{.001, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}
	hashBuckets = []float64{.01, .025, .05, .1, .2, .3, .4, .5, .75, 1, 2.5, 5}
)

// troubled is a Hasher that hashes in another process, and tells how often that died or did not start.
type troubled interface {
	Trouble() (died, unstarted uint64)
}

// ofHashing adds what a pool tells.
func (m *metrics) ofHashing(p *hashPool) {
	wait := m.Durations("password_hash_wait_seconds", "How long logins waited for their turn to be hashed.", waitBuckets)
	took := m.Durations("password_hash_duration_seconds", "How long the hashing of a login took.", hashBuckets)
	refused := m.Counters("password_hash_refused_total", "Logins that were not hashed: the queue was full, or they had waited for too long.")
	p.hashed = func(waited, lasted time.Duration) { wait.Took(waited); took.Took(lasted) }
	p.refused = func() { refused.Inc() }
	m.Value(telemetry.Gauge, "password_hash_running", "Logins that are being hashed.", func() float64 { return float64(p.counts().running) })
	m.Value(telemetry.Gauge, "password_hash_waiting", "Logins that wait for their turn.", func() float64 { return float64(p.counts().waiting) })
	m.Value(telemetry.Gauge, "password_hash_slots", "Logins that may be hashed at the same time.", func() float64 { return float64(p.places) })
	m.Value(telemetry.Gauge, "password_hash_queue_size", "Logins that may wait.", func() float64 { return float64(p.depth()) })
	h, ok := p.Hasher.(troubled)
	if !ok {
		return
	}
	m.Func(telemetry.Count, "password_hash_process_failures_total", "How often the process that hashes died, or did not start.", func(emit telemetry.Emit) {
		died, unstarted := h.Trouble()
		emit(float64(died), "died")
		emit(float64(unstarted), "not_started")
	}, "failure")
}
