package server

import (
	"context"
	"time"

	"github.com/grantd/grantd/server/telemetry"
)

// hashMetrics are of the pool in which passwords are hashed.
type hashMetrics struct {
	wait, took telemetry.Durations
	refused    *telemetry.Counters
}

// A hash takes a quarter of a second; who waits, waits for several.
var (
	waitBuckets = []float64{.001, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}
	hashBuckets = []float64{.01, .025, .05, .1, .2, .3, .4, .5, .75, 1, 2.5, 5}
)

// ofHashing adds what a pool tells.
func (m *metrics) ofHashing(p *hashPool) {
	p.metrics = &hashMetrics{
		wait:    m.Durations("password_hash_wait_seconds", "How long logins waited for their turn to be hashed.", waitBuckets),
		took:    m.Durations("password_hash_duration_seconds", "How long the hashing of a login took.", hashBuckets),
		refused: m.Counters("password_hash_refused_total", "Logins that were not hashed: the queue was full, or they had waited for too long."),
	}
	m.Value(telemetry.Gauge, "password_hash_running", "Logins that are being hashed.", func() float64 { return float64(len(p.slots)) })
	m.Value(telemetry.Gauge, "password_hash_waiting", "Logins that wait for their turn.", func() float64 {
		return float64(max(0, p.waiting.Load()-int64(len(p.slots))))
	})
	m.Value(telemetry.Gauge, "password_hash_slots", "Logins that may be hashed at the same time.", func() float64 { return float64(cap(p.slots)) })
	m.Value(telemetry.Gauge, "password_hash_queue_size", "Logins that may wait.", func() float64 { return float64(cap(p.slots) * queuePerHash) })
}

// timed is do, watched: how long it waited, how long it took, whether it was turned away.
func (p *hashPool) timed(ctx context.Context, hash func()) error {
	asked, ran := time.Now(), false
	_, waiting := p.tracing.Start(ctx, "wait for the hash pool")
	err := p.do(ctx, func() {
		began := time.Now()
		p.metrics.wait.Took(began.Sub(asked))
		waiting.End(nil)
		ran = true
		_, hashing := p.tracing.Start(ctx, "hash a password")
		hash()
		hashing.End(nil)
		p.metrics.took.Took(time.Since(began))
	})
	if !ran {
		p.metrics.refused.Inc()
		waiting.End(err)
	}
	return err
}
