package server

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/telemetry"
)

// queuePerHash is how many logins may wait for each hash that may run: at a
// quarter of a second a hash, nobody waits more than about four seconds.
const queuePerHash = 16

// hashPool bounds how many password hashes run and wait, so that a storm of
// logins cannot starve refresh and validation.
type hashPool struct {
	Hasher
	cost    int // of new hashes
	slots   chan struct{}
	waiting atomic.Int64
	metrics *hashMetrics
	tracing *telemetry.Tracing
}

// newHashPool makes a pool. A nil hasher means OwnHasher.
func newHashPool(concurrent, cost int, hasher Hasher) *hashPool {
	if hasher == nil {
		hasher = OwnHasher{}
	}
	return &hashPool{Hasher: hasher, cost: cost, slots: make(chan struct{}, max(1, concurrent))}
}

// do runs hash when its turn comes. It refuses when the queue is full, and gives
// up when the caller does.
func (p *hashPool) do(ctx context.Context, hash func()) error {
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > int64(cap(p.slots)*(queuePerHash+1)) {
		return tooManyLogins()
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return gaveUp(ctx)
	}
	defer func() { <-p.slots }()
	if ctx.Err() != nil { // it left at the moment its turn came
		return gaveUp(ctx)
	}
	hash()
	return nil
}

func tooManyLogins() *Error {
	return unavailable(reason.TooManyLogins, "too many logins at once; try again", 5*time.Second)
}

// gaveUp tells whose turn did not come in time why, and not that the database was slow.
func gaveUp(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return tooManyLogins().because(ctx.Err())
	}
	return ctx.Err()
}
