// Package telemetry is how a running grantd can be watched: metrics in the format of
// Prometheus, and traces as OpenTelemetry sends them. It alone knows the libraries of both, and
// nothing of what is counted.
package telemetry

import (
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the metrics of one server. The names of all that are added to them begin with
// "grantd_", which is put in front. Adding the same name twice panics.
type Metrics struct{ registry *prometheus.Registry }

// namespace is what our names begin with.
const namespace = "grantd"

// NewMetrics makes metrics that have, to begin with, those of the process, of Go's runtime, and
// which build this is. Version is the release.
func NewMetrics(version string) *Metrics {
	m := &Metrics{prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.Func(Gauge, "build_info", "Which build this is; always 1.", func(emit Emit) {
		emit(1, version, revision(), runtime.Version())
	}, "version", "revision", "goversion")
	return m
}

// revision is the commit that the program was built from, "unknown" where nobody noted it.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

const (
	scrapeTime = 5 * time.Second // for one answer: less than a scrape may take
	scrapes    = 4               // at the same time; more are told to come again
)

// Handler answers GET /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		// What can be told is told: of a scrape that fails because of one number nobody has the others.
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: scrapes, Timeout: scrapeTime,
	})
}

// Kind is what a number is.
type Kind = prometheus.ValueType

// The kinds that Func knows.
const (
	Gauge = prometheus.GaugeValue
	Count = prometheus.CounterValue // since the start; its name ends in "_total"
)

// Emit tells one number, with the values of its labels.
type Emit func(value float64, labels ...string)

// Func adds numbers that are read when somebody asks for them. Read must not wait for anything.
func (m *Metrics) Func(kind Kind, name, help string, read func(Emit), labels ...string) {
	m.registry.MustRegister(&reader{desc: describe(name, help, labels...), tell: func(desc *prometheus.Desc, ch chan<- prometheus.Metric) {
		read(func(value float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
		})
	}})
}

// Value is Func for one number without labels.
func (m *Metrics) Value(kind Kind, name, help string, read func() float64) {
	m.Func(kind, name, help, func(emit Emit) { emit(read()) })
}

// Sizes adds a histogram that is counted elsewhere. Read tells how many there were up to each of
// bounds, not summed up, with those beyond the last behind them, and the sum of all.
func (m *Metrics) Sizes(name, help string, bounds []float64, read func() (counts []uint64, sum float64)) {
	m.registry.MustRegister(&reader{desc: describe(name, help), tell: func(desc *prometheus.Desc, ch chan<- prometheus.Metric) {
		counts, sum := read()
		buckets, all := make(map[float64]uint64, len(bounds)), uint64(0)
		for i, n := range counts {
			if all += n; i < len(bounds) {
				buckets[bounds[i]] = all
			}
		}
		ch <- prometheus.MustNewConstHistogram(desc, all, sum, buckets)
	}})
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// reader is a prometheus.Collector that asks for its numbers when it is asked.
type reader struct {
	desc *prometheus.Desc
	tell func(*prometheus.Desc, chan<- prometheus.Metric)
}

func (r *reader) Describe(ch chan<- *prometheus.Desc) { ch <- r.desc }
func (r *reader) Collect(ch chan<- prometheus.Metric) { r.tell(r.desc, ch) }
