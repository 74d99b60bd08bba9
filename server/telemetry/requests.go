package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Requests count what was asked and answered.
type Requests struct {
	total *prometheus.CounterVec
	took  *prometheus.HistogramVec

	made   atomic.Pointer[map[Request]*exchanges] // is replaced, never changed: most requests find theirs in it
	making sync.Mutex
}

// Request is a kind of request and of answer. There must be few values of each field: whoever sends
// requests may choose among them, but add none.
type Request struct{ Method, Route, Status, Outcome, GrantType string }

// NoRoute is the route of a request that has none.
const NoRoute = "none"

// exchanges are all of one kind.
type exchanges struct {
	total prometheus.Counter
	took  prometheus.Observer
}

// From a look into memory to the deadline of a request.
var requestBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}

// Requests adds the metrics of requests.
func (m *Metrics) Requests() *Requests {
	r := &Requests{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "http_requests_total", Help: "Requests to the public listener that were answered.",
		}, []string{"method", "route", "status", "outcome", "grant_type"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "http_request_duration_seconds", Help: "How long requests took to be answered.", Buckets: requestBuckets,
		}, []string{"method", "route", "grant_type"}),
	}
	r.made.Store(&map[Request]*exchanges{})
	m.registry.MustRegister(r.total, r.took)
	return r
}

// Count counts a request. It allocates for the first of a kind only.
func (r *Requests) Count(kind Request, took time.Duration) {
	found := (*r.made.Load())[kind]
	if found == nil {
		found = r.add(kind)
	}
	found.total.Inc()
	found.took.Observe(took.Seconds())
}

func (r *Requests) add(kind Request) *exchanges {
	r.making.Lock()
	defer r.making.Unlock()
	before := *r.made.Load()
	if found := before[kind]; found != nil {
		return found
	}
	after := maps.Clone(before)
	after[kind] = &exchanges{
		r.total.WithLabelValues(kind.Method, kind.Route, kind.Status, kind.Outcome, kind.GrantType),
		r.took.WithLabelValues(kind.Method, kind.Route, kind.GrantType),
	}
	r.made.Store(&after)
	return after[kind]
}
