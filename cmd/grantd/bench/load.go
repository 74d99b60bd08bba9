package bench

import (
	"context"
	"crypto/tls"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// load is how a server is loaded.
type load struct {
	url         *url.URL
	tls         *tls.Config
	connections int           // each sends one request after the other
	rate        float64       // how many requests are to begin in a second; zero: each as soon as the one before is answered
	time        time.Duration // how long; zero: until count
	count       int64         // how many requests; zero: until time
	done        atomic.Int64  // how many were answered so far, for whoever watches
}

// exchange sends one request and takes its answer.
type exchange func(c *conn) error

// result is what became of a load.
type result struct {
	latencies
	errors     int64
	firstError error
	took       time.Duration
}

// run loads a server with the exchanges that begin gives for each connection. Each latency counts from when the request was
// to begin, so that one which has to wait for a late answer has waited, too (no coordinated omission).
func (l *load) run(ctx context.Context, begin func(connection int) exchange) *result {
	if l.time > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.time)
		defer cancel()
	}
	parts := make([]*result, l.connections)
	var all sync.WaitGroup
	var tickets atomic.Int64
	start := time.Now()
	for i := range parts {
		do := begin(i)
		all.Go(func() { parts[i] = l.connection(ctx, start, &tickets, do) })
	}
	all.Wait()
	total := &result{took: time.Since(start)}
	for _, part := range parts {
		total.merge(part)
	}
	return total
}

// connection sends request after request until the load is over.
func (l *load) connection(ctx context.Context, start time.Time, tickets *atomic.Int64, do exchange) *result {
	c := &conn{target: l.url, tls: l.tls}
	defer c.close()
	part := &result{}
	for ctx.Err() == nil {
		n := tickets.Add(1) - 1
		if l.count > 0 && n >= l.count {
			break
		}
		begin := time.Now()
		if l.rate > 0 {
			begin = start.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
			if !sleepUntil(ctx, begin) {
				break
			}
		}
		part.note(do(c), time.Since(begin))
		l.done.Add(1)
	}
	return part
}

// sleepUntil returns false when ctx ends before.
func sleepUntil(ctx context.Context, t time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(t)):
		return true
	}
}

func (r *result) note(err error, took time.Duration) {
	if err == nil {
		r.latencies.add(took)
		return
	}
	r.errors++
	if r.firstError == nil {
		r.firstError = err
	}
}

func (r *result) merge(other *result) {
	r.latencies.merge(&other.latencies)
	r.errors += other.errors
	if r.firstError == nil {
		r.firstError = other.firstError
	}
}

// rate is how many requests were answered well in a second.
func (r *result) rate() float64 { return float64(r.n) / r.took.Seconds() }
