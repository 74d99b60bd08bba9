package scopes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
	// askGap is between fetches on behalf of requests, which anyone can send.
	askGap = 30 * time.Second
	// patience is how long a request waits for a fetch. An issuer that hangs must not pile requests up.
	patience = 3 * time.Second
)

var (
	errStopped = errors.New("nothing is fetched any more: the context given for it has ended")
	errSlow    = fmt.Errorf("the issuer has not answered for %v", patience)
)

// follower keeps a copy of something remote. One goroutine fetches it (run); all others look at what it has, and
// may wait for the next outcome, never for long.
type follower[T any] struct {
	// get fetches, given the copy held, and says when to look again. With an error it gives that copy back.
	get func(ctx context.Context, held T) (T, time.Duration, error)
	// steady is to look again at the same interval after a failure, not sooner and then ever less often.
	steady bool
	// heard is told of each outcome.
	heard func(before, after *outcome[T])

	last  atomic.Pointer[outcome[T]]
	asked chan *outcome[T] // somebody wants one newer than this
	awake chan struct{}    // look again now
	done  chan struct{}    // closed when run has returned
}

// outcome is that of one fetch. After a failure, value is that of the last success.
type outcome[T any] struct {
	value T
	err   error
	at    time.Time     // when the fetch was over; zero before the first
	next  chan struct{} // closed when there is a newer one
}

func (f *follower[T]) init() {
	f.last.Store(&outcome[T]{next: make(chan struct{})})
	f.asked, f.awake, f.done = make(chan *outcome[T], 1), make(chan struct{}, 1), make(chan struct{})
}

// run fetches until ctx ends.
func (f *follower[T]) run(ctx context.Context) {
	defer close(f.done)
	retry := firstRetry
	for {
		before := f.last.Load()
		value, wait, err := f.get(ctx, before.value)
		if ctx.Err() != nil {
			return
		}
		f.publish(before, &outcome[T]{value: value, err: err, at: time.Now(), next: make(chan struct{})})
		switch {
		case err == nil:
			retry = firstRetry
		case !f.steady:
			wait, retry = min(wait, retry), min(2*retry, lastRetry)
		}
		// A little sooner, each time another: many services that start together shall not ask together forever.
		if !f.pause(ctx, wait-rand.N(wait/10+1)) {
			return
		}
	}
}

func (f *follower[T]) publish(before, after *outcome[T]) {
	f.last.Store(after)
	close(before.next)
	if f.heard != nil {
		f.heard(before, after)
	}
}

// pause reports whether to fetch again; else it is over.
func (f *follower[T]) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-f.awake:
			return true
		case last := <-f.asked:
			if last == f.last.Load() { // else who asked got his newer one meanwhile
				return true
			}
		}
	}
}

// wake makes run fetch again, when it has done what it is doing.
func (f *follower[T]) wake() {
	select {
	case f.awake <- struct{}{}:
	default:
	}
}

// ask is for who has found last wanting. It reports whether to wait for a newer outcome. After a failure there is no
// need to: run tries again by itself, and until then the failure is the answer.
func (f *follower[T]) ask(last *outcome[T]) bool {
	if last.at.IsZero() {
		return true
	}
	if last.err != nil || time.Since(last.at) < askGap {
		return false
	}
	select {
	case f.asked <- last:
	default:
	}
	return true
}

// newer waits for the outcome after last, not longer than patience lasts.
func (f *follower[T]) newer(ctx context.Context, last *outcome[T]) (*outcome[T], error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-last.next:
		return f.last.Load(), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-f.done:
		return nil, errStopped
	case <-timer.C:
		return nil, errSlow
	}
}

// current gives the last outcome. Only before the first one does it wait.
func (f *follower[T]) current(ctx context.Context) (*outcome[T], error) {
	if last := f.last.Load(); last.at.IsZero() {
		return f.newer(ctx, last)
	} else {
		return last, nil
	}
}
