package bench

import (
	"context"
	"crypto/tls"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Load is how a server is loaded.
type Load struct {
	// URL is where the server is reached. TLS is for https; nil means as Go has it.
	URL *url.URL
	TLS *tls.Config
	// Connections send one request after another, each on its own.
	Connections int
	// Rate is how many requests begin in a second, whether or not those before were answered in time. Zero means that
	// each connection begins its next as soon as it has its answer.
	Rate float64
	// For and Count bound the load, by time and requests. Zero means no bound; one of them must be set.
	For   time.Duration
	Count int64
}

// Result is what became of a load.
type Result struct {
	Requests, Errors int64
	Took             time.Duration
	// FirstError is what went wrong first.
	FirstError error
	latencies  latencies
}

// exchange sends what a request says and takes its answer. It is one step of an operation, on one connection.
type exchange func(c *conn) error

// run loads a server with what next gives for each connection. Each latency counts from when the request was to begin:
// one that waits for a late answer before it has waited, too (no coordinated omission).
func (l Load) run(ctx context.Context, progress *atomic.Int64, next func(connection int) exchange) *Result {
	if l.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.For)
		defer cancel()
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	var tickets atomic.Int64
	total := &Result{}
	start := time.Now()
	for i := range l.Connections {
		all.Go(func() {
			part := l.connection(ctx, start, &tickets, progress, next(i))
			mu.Lock()
			defer mu.Unlock()
			total.merge(part)
		})
	}
	all.Wait()
	total.Took = time.Since(start)
	return total
}

// connection sends request after request until the load is over.
func (l Load) connection(ctx context.Context, start time.Time, tickets, progress *atomic.Int64, do exchange) *Result {
	c := &conn{target: l.URL, tls: l.TLS}
	defer c.close()
	part := &Result{}
	for ctx.Err() == nil {
		n := tickets.Add(1) - 1
		if l.Count > 0 && n >= l.Count {
			break
		}
		begin := time.Now()
		if l.Rate > 0 {
			begin = start.Add(time.Duration(float64(n) / l.Rate * float64(time.Second)))
			if !sleepUntil(ctx, begin) {
				break
			}
		}
		part.note(do(c), time.Since(begin))
		progress.Add(1)
	}
	return part
}

// sleepUntil returns false when ctx ends before.
func sleepUntil(ctx context.Context, t time.Time) bool {
	wait := time.Until(t)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(wait):
		return true
	}
}

func (r *Result) note(err error, took time.Duration) {
	r.Requests++
	if err != nil {
		r.Errors++
		if r.FirstError == nil {
			r.FirstError = err
		}
		return
	}
	r.latencies.add(took)
}

func (r *Result) merge(other *Result) {
	r.Requests += other.Requests
	r.Errors += other.Errors
	if r.FirstError == nil {
		r.FirstError = other.FirstError
	}
	r.latencies.merge(&other.latencies)
}

// Rate is how many requests were answered well in a second.
func (r *Result) Rate() float64 { return float64(r.Requests-r.Errors) / r.Took.Seconds() }
