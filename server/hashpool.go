package server

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/telemetry"
)

// queuePerHash is how many logins may wait for each hash that may run: at a
// quarter of a second a hash, nobody waits more than about four seconds.
const queuePerHash = 16

const (
	// mostHashTime is what counts of a hash at most: one that took minutes, say because the machine was
	// asleep, must not make every login look hopeless for long.
	mostHashTime = 5 * time.Second
	// mostDelayed is how many refusals are held back at once, so that they take as long as a hash.
	mostDelayed = 4096
)

// hashPool bounds how many password hashes run and wait, so that a storm of
// logins cannot starve refresh and validation. Who waits goes in a fair order: see hashQueue.
type hashPool struct {
	Hasher
	cost   int // of new hashes
	places int // hashes that may run

	hashed  func(waited, took time.Duration) // is told of each hash; nil: nobody asks
	refused func()                           // is told of each that was not to be; nil: nobody asks
	tracing *telemetry.Tracing

	mu      sync.Mutex
	running int
	queue   hashQueue
	mean    time.Duration // of how long hashes take now

	delayed atomic.Int64
}

// newHashPool makes a pool. A nil hasher means OwnHasher.
func newHashPool(concurrent, cost int, hasher Hasher) *hashPool {
	if hasher == nil {
		hasher = OwnHasher{}
	}
	p := &hashPool{Hasher: hasher, cost: cost, places: max(1, concurrent), queue: newHashQueue()}
	// Until one is measured: bcrypt's rounds take some 60 µs each on the machines of today.
	p.mean = min(60*time.Microsecond<<min(cost, 20), time.Second)
	return p
}

// do runs hash when its turn comes, and check right before it, whose error it returns instead. It
// refuses when the queue is full, when the turn would come too late, and gives up when the caller does.
func (p *hashPool) do(ctx context.Context, who hashTurn, check func() error, hash func()) error {
	came := time.Now()
	_, waiting := p.tracing.Start(ctx, "wait for the hash pool")
	err := p.enter(ctx, who, came)
	waiting.End(err)
	if err != nil {
		if p.refused != nil {
			p.refused()
		}
		return err
	}
	defer p.leave()
	if check != nil {
		if err := check(); err != nil {
			return err
		}
	}
	began := time.Now()
	defer func() { p.measure(began.Sub(came), time.Since(began)) }()
	_, hashing := p.tracing.Start(ctx, "hash a password")
	defer func() { hashing.End(nil) }()
	hash()
	return nil
}

// enter waits for a place among the hashes that run.
func (p *hashPool) enter(ctx context.Context, who hashTurn, now time.Time) error {
	w := &hashWaiter{hashTurn: who, goes: make(chan error, 1)}
	w.deadline, _ = ctx.Deadline()
	if err := p.admit(w, now); err != nil {
		return err
	}
	select {
	case err := <-w.goes:
		if err != nil || ctx.Err() == nil {
			return err
		}
		p.leave() // it left at the moment its turn came
		return gaveUp(ctx)
	case <-ctx.Done():
	}
	p.mu.Lock()
	waiting := p.queue.remove(w)
	p.mu.Unlock()
	if !waiting && <-w.goes == nil { // its turn came at the same moment
		p.leave()
	}
	return gaveUp(ctx)
}

// admit lets w wait, or go at once.
func (p *hashPool) admit(w *hashWaiter, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running < p.places {
		p.running++
		w.goes <- nil
		return nil
	}
	wait := p.wait(w.known)
	if w.late(now.Add(wait)) { // nobody waits for nothing
		return tooManyLogins(wait)
	}
	if len(p.queue.waiting) >= p.places*queuePerHash {
		last := p.queue.toDisplace(w.hashTurn)
		if last == nil {
			return tooManyLogins(wait)
		}
		p.queue.remove(last)
		last.goes <- tooManyLogins(wait)
	}
	p.queue.add(w)
	return nil
}

// leave gives the place to the next one whose caller can still be answered in time.
func (p *hashPool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	now := time.Now()
	for p.running < p.places {
		w := p.queue.next()
		if w == nil {
			return
		}
		if w.late(now.Add(p.mean)) {
			w.goes <- tooManyLogins(p.wait(w.known))
			continue
		}
		p.running++
		w.goes <- nil
	}
}

// wait is how long somebody who comes now waits for the turn and its hash, as things look.
func (p *hashPool) wait(known bool) time.Duration {
	ahead := p.queue.ahead(known)
	return p.mean * time.Duration(ahead+p.places+1) / time.Duration(p.places)
}

func (p *hashPool) measure(waited, took time.Duration) {
	p.mu.Lock()
	p.mean += (min(took, mostHashTime) - p.mean) / 8
	p.mu.Unlock()
	if p.hashed != nil {
		p.hashed(waited, took)
	}
}

// full refuses who would be refused a place in the queue, before anything is looked up.
func (p *hashPool) full(who hashTurn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running < p.places || len(p.queue.waiting) < p.places*queuePerHash || p.queue.toDisplace(who) != nil {
		return nil
	}
	return tooManyLogins(p.wait(who.known))
}

// hashCounts are how many hashes wait and run.
type hashCounts struct{ waiting, running int }

func (p *hashPool) counts() hashCounts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return hashCounts{len(p.queue.waiting), p.running}
}

// depth is how many hashes may wait.
func (p *hashPool) depth() int { return p.places * queuePerHash }

// hashTime is how long hashes take now.
func (p *hashPool) hashTime() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mean
}

// asLong takes as long as a hash does now, so that a refusal without one cannot be told from one
// with it. It ends with ctx. Past a number of those who wait it takes no time.
func (p *hashPool) asLong(ctx context.Context) {
	defer p.delayed.Add(-1)
	if p.delayed.Add(1) > mostDelayed {
		return
	}
	timer := time.NewTimer(p.hashTime())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// tooManyLogins says when there should be room again.
func tooManyLogins(wait time.Duration) *Error {
	return unavailable(reason.TooManyLogins, "too many logins at once; try again", min(max(wait, time.Second), time.Minute))
}

// gaveUp tells whose turn did not come in time why, and not that the database was slow.
func gaveUp(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return tooManyLogins(0).because(ctx.Err())
	}
	return ctx.Err()
}
