package bench

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// outcome is what became of a load.
type outcome struct {
	results []result // of each exchange
	took    time.Duration
	unsent  int64 // requests that were to begin and did not

	start   time.Time
	gate    chan struct{} // closed at start
	tickets atomic.Int64  // requests that have their number
	spent   atomic.Bool   // an exchange had nothing left to send
	refused atomic.Int64  // of a load that gives way, not among the errors of results
}

// total is what became of all exchanges together.
func (o *outcome) total() *result {
	if len(o.results) == 1 {
		return &o.results[0]
	}
	total := &result{}
	for i := range o.results {
		total.merge(&o.results[i])
	}
	return total
}

// perSecond is how many requests of a result were answered well in a second.
func (o *outcome) perSecond(r *result) float64 { return float64(r.n) / o.took.Seconds() }

// result counts answers. All connections share it: with thousands of them, one for each would be large.
type result struct {
	mu sync.Mutex
	latencies
	errors     int64
	firstError error
}

func (r *result) note(err error, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
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

// reason is why nothing was answered.
func (r *result) reason() error {
	if r.firstError == nil {
		return errNothingSent
	}
	return r.firstError
}

var errNothingSent = errors.New("the time was over before the first answer")
