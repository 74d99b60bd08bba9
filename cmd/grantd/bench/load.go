package bench

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// load is how a server is loaded.
type load struct {
	connections int           // each sends one request after the other
	rate        float64       // how many requests are to begin in a second; zero: each as soon as the one before is answered
	warmUp      time.Duration // how long what is sent does not count, at least one request for each connection; zero: none
	time        time.Duration // how long the rest takes; zero: until count
	count       int64         // how many requests count; zero: until time
	began       func()        // called when the warm-up is over; nil: nobody wants to know
	givesWay    bool          // a connection that is refused rests as long as Retry-After says, and is counted apart

	answered, failed atomic.Int64 // so far, for whoever watches
}

// exchange sends one request and takes its answer.
type exchange func(c *conn) error

// errSpent is what an exchange returns that has nothing left to send.
var errSpent = errors.New("all that could be sent was sent")

// caller is what one connection sends: each time one of its exchanges.
type caller struct {
	exchanges []exchange
	pick      func() int // which comes next
}

// only is a caller with one exchange.
func only(do exchange) caller { return caller{[]exchange{do}, func() int { return 0 }} }

// run loads a server with what begin gives each connection, and returns what became of each of the exchanges. Each latency
// counts from when the request was to begin, so that one which has to wait for a late answer has waited, too (no
// coordinated omission).
func (l *load) run(ctx context.Context, to target, kinds int, begin func(connection int) caller) *outcome {
	o := &outcome{results: make([]result, kinds), gate: make(chan struct{})}
	var warm, all sync.WaitGroup
	for i := range l.connections {
		w := &worker{load: l, outcome: o, caller: begin(i), conn: to.conn(ctx)}
		warm.Add(1)
		all.Go(func() {
			defer w.conn.close()
			w.warm()
			warm.Done()
			<-o.gate
			w.work(ctx)
		})
	}
	warm.Wait()
	if l.began != nil {
		l.began()
	}
	o.start = time.Now()
	close(o.gate)
	all.Wait()
	o.took = time.Since(o.start)
	o.unsent = l.unsent(ctx, o)
	return o
}

// unsent is how many requests were to begin within the time and were not sent, because all connections waited for
// answers.
func (l *load) unsent(ctx context.Context, o *outcome) int64 {
	if l.rate <= 0 || l.time <= 0 || ctx.Err() != nil || o.spent.Load() {
		return 0
	}
	due := int64(l.rate * l.time.Seconds())
	if l.count > 0 {
		due = min(due, l.count)
	}
	return max(due-l.answered.Load()-l.failed.Load(), 0)
}

// worker is one connection at work.
type worker struct {
	*load
	*outcome
	caller
	conn *conn
}

func (w *worker) warm() {
	begin := time.Now()
	for rest := w.warmUp; rest > 0; rest = w.warmUp - time.Since(begin) {
		if err := w.exchanges[w.pick()](w.conn); errors.Is(err, errSpent) {
			return
		}
	}
}

// work sends request after request until the load is over.
func (w *worker) work(ctx context.Context) {
	for ctx.Err() == nil {
		begin, ok := w.next(ctx)
		if !ok {
			return
		}
		kind := w.pick()
		err := w.exchanges[kind](w.conn)
		if errors.Is(err, errSpent) {
			w.spent.Store(true)
			return
		}
		if ctx.Err() != nil {
			return // it was cut off
		}
		if rest := w.restAfter(err); rest > 0 {
			w.refused.Add(1)
			sleepUntil(ctx, time.Now().Add(rest))
			continue
		}
		w.results[kind].note(err, time.Since(begin))
		if err == nil {
			w.answered.Add(1)
			continue
		}
		w.failed.Add(1)
		if w.conn.net == nil {
			sleepUntil(ctx, time.Now().Add(afterFault))
		}
	}
}

// longestRest bounds what Retry-After says: a load that rests for an hour is none.
const longestRest = 15 * time.Second

// restAfter is how long a connection of a load that gives way rests. Zero: err is no such refusal.
func (l *load) restAfter(err error) time.Duration {
	var r *refusal
	if !l.givesWay || !errors.As(err, &r) {
		return 0
	}
	return min(r.after, longestRest)
}

// afterFault is how long a connection rests that broke: a server that is gone would be asked millions of times.
const afterFault = 10 * time.Millisecond

// next waits until a request is to begin. It returns false when there are no more.
func (w *worker) next(ctx context.Context) (begin time.Time, ok bool) {
	n := w.tickets.Add(1) - 1
	if w.count > 0 && n >= w.count {
		return begin, false
	}
	begin = time.Now()
	if w.time > 0 && begin.Sub(w.start) >= w.time {
		return begin, false
	}
	if w.rate <= 0 {
		return begin, true
	}
	after := time.Duration(float64(n) / w.rate * float64(time.Second)) // from the start, so that no delay adds to others
	if w.time > 0 && after >= w.time {
		return begin, false
	}
	begin = w.start.Add(after)
	return begin, sleepUntil(ctx, begin)
}

// sleepUntil returns false when ctx ends before.
func sleepUntil(ctx context.Context, t time.Time) bool {
	rest := time.Until(t)
	if rest <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(rest):
		return true
	}
}
