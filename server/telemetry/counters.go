package telemetry

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxLabels is how many labels counters have at most.
const maxLabels = 3

// Label is a label and all values that it may have.
type Label struct {
	Name   string
	Values []string
}

// other stands for a value that a label does not have, so that nothing from outside can make
// series without end.
const other = "other"

// Counters count by labels. All that are known exist from the start, at zero: an alert on the first
// of a kind needs something that it has grown from.
type Counters struct {
	labels int
	family *prometheus.CounterVec
	series map[[maxLabels]string]prometheus.Counter
	known  [maxLabels]map[string]bool
}

// Counters adds counters; name ends in "_total".
func (m *Metrics) Counters(name, help string, labels ...Label) *Counters {
	names := make([]string, len(labels))
	c := &Counters{labels: len(labels), series: map[[maxLabels]string]prometheus.Counter{}}
	for i, l := range labels {
		names[i], c.known[i] = l.Name, map[string]bool{}
		for _, v := range l.Values {
			c.known[i][v] = true
		}
	}
	c.family = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, names)
	m.registry.MustRegister(c.family)
	c.make(labels, nil)
	return c
}

// make makes the series of all values of labels, behind those that were chosen of the labels before.
func (c *Counters) make(labels []Label, chosen []string) {
	if len(labels) == 0 {
		var key [maxLabels]string
		copy(key[:], chosen)
		c.series[key] = c.family.WithLabelValues(chosen...)
		return
	}
	for _, v := range labels[0].Values {
		c.make(labels[1:], append(slices.Clip(chosen), v))
	}
}

// Inc counts one more.
func (c *Counters) Inc(values ...string) { c.Add(1, values...) }

// Add counts n more, which is not negative. There are as many values as labels.
func (c *Counters) Add(n float64, values ...string) {
	var key [maxLabels]string
	for i := range c.labels {
		if key[i] = values[i]; !c.known[i][values[i]] {
			key[i] = other
		}
	}
	series := c.series[key]
	if series == nil {
		series = c.family.WithLabelValues(key[:c.labels]...)
	}
	series.Add(n)
}

// Durations are counted by how long they took.
type Durations struct{ prometheus.Observer }

// Durations adds a histogram of durations; name ends in "_seconds".
func (m *Metrics) Durations(name, help string, buckets []float64) Durations {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return Durations{h}
}

// Took counts one.
func (d Durations) Took(t time.Duration) { d.Observe(t.Seconds()) }
