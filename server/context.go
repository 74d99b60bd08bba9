package server

import (
	"context"
	"sync"
	"time"
)

// maxTime is how long a request may take before it gives up waiting, for the
// database or its turn to hash. The connection lives longer, so that it is answered.
const maxTime = 20 * time.Second

// requestContext is the context of a request: it knows the record, and ends with the
// request, when the client leaves, or at its deadline. Most requests wait for nothing,
// so what ends it is set up for the first who asks for Done.
type requestContext struct {
	context.Context // of net/http
	rec             *record
	deadline        time.Time

	mu     sync.Mutex
	timed  context.Context // nil until somebody waits
	cancel context.CancelFunc
	over   bool // the request is
}

type recordKey struct{}

// Value implements context.Context.
func (c *requestContext) Value(key any) any {
	if _, ok := key.(recordKey); ok {
		return c.rec
	}
	c.mu.Lock()
	timed := c.timed
	c.mu.Unlock()
	if timed != nil { // it has what package context looks for to end what was made of it
		return timed.Value(key)
	}
	return c.Context.Value(key)
}

// Deadline implements context.Context.
func (c *requestContext) Deadline() (time.Time, bool) {
	if sooner, ok := c.Context.Deadline(); ok && sooner.Before(c.deadline) {
		return sooner, true
	}
	return c.deadline, true
}

// Done implements context.Context.
func (c *requestContext) Done() <-chan struct{} { return c.wait().Done() }

// Err implements context.Context.
func (c *requestContext) Err() error {
	c.mu.Lock()
	ended := c.timed != nil || c.over
	c.mu.Unlock()
	if ended || c.Context.Err() != nil || !time.Now().Before(c.deadline) {
		return c.wait().Err() // which stays the same from now on
	}
	return nil
}

// wait is the context as package context has it.
func (c *requestContext) wait() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.cancel = context.WithDeadline(c.Context, c.deadline)
		if c.over {
			c.cancel()
		}
	}
	return c.timed
}

// end tells whoever still waits that the request is over.
func (c *requestContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.cancel != nil {
		c.cancel()
	}
}
