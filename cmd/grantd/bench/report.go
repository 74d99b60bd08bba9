package bench

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// Report is what was measured, for programs as JSON.
type Report struct {
	Go          string  `json:"go"`
	Machine     string  `json:"machine"`
	Database    string  `json:"database"`
	ServerCores int     `json:"server_cores"` // 0: all, shared with the load
	LoadCores   int     `json:"load_cores"`
	Connections int     `json:"connections"`
	Runs        int     `json:"runs"`
	Seconds     float64 `json:"seconds"`

	Authorizations int `json:"authorizations"`
	Clients        int `json:"clients"`

	Operations []Line `json:"operations"`
}

// Line is what became of an operation: the median of its runs.
type Line struct {
	Operation string `json:"operation"`
	About     string `json:"about"`
	Measured
	Rates  []float64 `json:"rates"`  // of each run
	Shares []float64 `json:"shares"` // the same

	all []Measured
}

// Measured is one run. Rates are requests a second, times in milliseconds but for those of one request, in microseconds.
type Measured struct {
	Rate       float64 `json:"rate"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	P999       float64 `json:"p999_ms"`
	Longest    float64 `json:"longest_ms"`
	Errors     int64   `json:"errors"`
	FirstError string  `json:"first_error,omitempty"`
	CPU        float64 `json:"cpu_us"` // of the server, for each request
	Memory     float64 `json:"memory_mb"`
	Passwords  float64 `json:"passwords,omitempty"` // logins a second beside it

	Limit      float64 `json:"limit"` // the rate that nothing can exceed
	Share      float64 `json:"share"` // of the limit
	RoundTrip  float64 `json:"round_trip_us"`
	Arithmetic float64 `json:"arithmetic_us"`
	Statement  float64 `json:"statement_us"`
}

func newReport(o *Options) *Report {
	return &Report{
		Go: runtime.Version(), Machine: runtime.GOOS + "/" + runtime.GOARCH, Connections: o.Connections, Runs: o.Runs, Seconds: o.For.Seconds(),
		Authorizations: o.Authorizations, Clients: o.Clients,
	}
}

func measured(r *result, before, after usage) Measured {
	m := Measured{
		Rate: r.rate(), P50: millis(r.quantile(.5)), P99: millis(r.quantile(.99)), P999: millis(r.quantile(.999)), Longest: millis(r.longest), Errors: r.errors,
		CPU: micros(after.cpu-before.cpu) / float64(max(r.n, 1)), Memory: float64(after.memory) / (1 << 20),
	}
	if r.firstError != nil {
		m.FirstError = r.firstError.Error()
	}
	return m
}

func millis(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// String is a run in few words.
func (m Measured) String() string {
	return fmt.Sprintf("%.0f/s, p99 %.2f ms, %.1f µs of CPU, %d errors; limit %.0f/s, %.0f %%", m.Rate, m.P99, m.CPU, m.Errors, m.Limit, 100*m.Rate/m.Limit)
}

func (r *Report) add(op operation, m Measured) {
	m.Share = m.Rate / m.Limit
	i := slices.IndexFunc(r.Operations, func(l Line) bool { return l.Operation == op.name })
	if i < 0 {
		i = len(r.Operations)
		r.Operations = append(r.Operations, Line{Operation: op.name, About: op.about})
	}
	l := &r.Operations[i]
	l.all = append(l.all, m)
	l.Rates, l.Shares = append(l.Rates, m.Rate), append(l.Shares, m.Share)
}

// conclude takes the median of each operation's runs: the run whose share is the median.
func (r *Report) conclude() {
	for i := range r.Operations {
		l := &r.Operations[i]
		slices.SortFunc(l.all, func(a, b Measured) int { return cmp.Compare(a.Share, b.Share) })
		l.Measured = l.all[len(l.all)/2]
	}
}
