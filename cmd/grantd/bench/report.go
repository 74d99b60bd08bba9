package bench

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// Report is what was measured, for programs as JSON.
type Report struct {
	Version     string  `json:"version"` // of grantd
	Go          string  `json:"go"`
	Machine     string  `json:"machine"` // operating system and architecture
	System      string  `json:"system"`  // the release of the system; empty: unknown
	CPU         string  `json:"cpu"`     // model; empty: unknown
	Cores       int     `json:"cores"`   // of the machine
	Database    string  `json:"database"`
	Remote      bool    `json:"remote"`       // the server ran already
	ServerCores int     `json:"server_cores"` // 0: all, shared with the load
	LoadCores   int     `json:"load_cores"`
	TLS         bool    `json:"tls"`
	Connections int     `json:"connections"`
	AskedRate   float64 `json:"asked_rate"` // requests that were to begin in a second; 0: as many as are answered
	Runs        int     `json:"runs"`
	Seconds     float64 `json:"seconds"` // of each run; 0: until count
	Count       int64   `json:"count"`   // 0: until the time is over

	Authorizations int `json:"authorizations"`
	Clients        int `json:"clients"`

	Start          *Start         `json:"start,omitempty"`
	Operations     []Line         `json:"operations"`
	AfterRefreshes AfterRefreshes `json:"after_refreshes"`
	Sizing         []Size         `json:"sizing"`
	Notes          []string       `json:"notes"`
}

// AfterRefreshes is the memory of the server after the last run with refreshes. Memory is 0 where it is not known.
type AfterRefreshes struct {
	Refreshes      int64   `json:"refreshes"`      // that were counted
	Authorizations int     `json:"authorizations"` // that were refreshed
	Memory         float64 `json:"memory_mb"`
	Peak           float64 `json:"peak_mb"`
}

// Line is what became of an operation: the median of its runs. "mix" is several at once, behind which "mix.refresh" and so
// on are its parts, of which neither CPU nor limit is known.
type Line struct {
	Operation string `json:"operation"`
	About     string `json:"about"`
	Measured
	Rates  []float64 `json:"rates"`  // of each run
	Shares []float64 `json:"shares"` // the same

	all []Measured
}

// Measured is one run. Rates are requests a second that were answered well; CPU and what the limit is made of are for one
// request, in microseconds.
type Measured struct {
	Rate       float64 `json:"rate"`
	Requests   int     `json:"requests"` // answered well
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	P999       float64 `json:"p999_ms"`
	Longest    float64 `json:"longest_ms"`
	Errors     int64   `json:"errors"`
	FirstError string  `json:"first_error,omitempty"`
	Unsent     int64   `json:"unsent"` // were to begin, and did not, because all connections waited
	CPU        float64 `json:"cpu_us"` // of the server; 0: unknown
	Memory     float64 `json:"memory_mb"`
	Passwords  float64 `json:"passwords,omitempty"` // logins a second beside it
	// PasswordsRefused are the logins a second that found the queue full. They waited as long as Retry-After says.
	PasswordsRefused float64  `json:"passwords_refused,omitempty"`
	Guesses          *Guesses `json:"guesses,omitempty"` // at passwords beside it
	Alone            *Alone   `json:"alone,omitempty"`   // the same without what is beside it

	Limit     float64 `json:"limit"` // the rate that nothing can exceed; 0: unknown
	Share     float64 `json:"share"` // of the limit
	RoundTrip float64 `json:"round_trip_us"`
	// RoundTripCPU is the CPU of a round trip, which other work on the machine disturbs less. 0: unknown.
	RoundTripCPU float64 `json:"round_trip_cpu_us"`

	Arithmetic float64 `json:"arithmetic_us"`
	Statement  float64 `json:"statement_us"`
	Hash       float64 `json:"hash_us"` // of a password
}

// Alone is a run without what is beside it, and what that changes.
type Alone struct {
	Rate      float64 `json:"rate"`
	P99       float64 `json:"p99_ms"`
	RateRatio float64 `json:"rate_ratio"` // beside / alone
	P99Ratio  float64 `json:"p99_ratio"`  // the same
}

func newReport(o *Options) *Report {
	r := &Report{
		Version: o.Version, Go: runtime.Version(), Machine: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(),
		Database: kindOf(o.Database), Connections: o.Connections, AskedRate: o.Rate, Runs: o.Runs, Seconds: o.For.Seconds(), Count: o.Count,
		TLS: o.TLS, Authorizations: o.Authorizations, Clients: o.Clients, Operations: []Line{}, Notes: []string{},
	}
	r.System, r.CPU = systemRelease(), processorModel()
	return r
}

func measured(o *outcome, r *result, before, after usage) Measured {
	m := Measured{
		Rate: o.perSecond(r), Requests: r.n, P50: millis(r.quantile(.5)), P99: millis(r.quantile(.99)), P999: millis(r.quantile(.999)),
		Longest: millis(r.longest), Errors: r.errors, Memory: mega(after.memory),
	}
	if before.known && after.known {
		m.CPU = micros(after.cpu-before.cpu) / float64(max(r.n, 1))
	}
	if r.firstError != nil {
		m.FirstError = r.firstError.Error()
	}
	return m
}

func millis(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
func mega(bytes int64) float64       { return float64(bytes) / (1 << 20) }

// String is a run in few words.
func (m Measured) String() string {
	return fmt.Sprintf("%.0f/s, p99 %.2f ms, %.1f µs of CPU, %d errors; limit %.0f/s, %.0f %%", m.Rate, m.P99, m.CPU, m.Errors, m.Limit, 100*m.Share)
}

func (r *Report) add(w work, m Measured, parts []Measured) {
	r.line(w.name, w.about).add(m)
	for i, p := range parts {
		r.line(w.name+"."+w.parts[i].name, w.parts[i].about).add(p)
	}
}

func (r *Report) line(name, about string) *Line {
	i := slices.IndexFunc(r.Operations, func(l Line) bool { return l.Operation == name })
	if i < 0 {
		i = len(r.Operations)
		r.Operations = append(r.Operations, Line{Operation: name, About: about})
	}
	return &r.Operations[i]
}

func (l *Line) add(m Measured) {
	l.all = append(l.all, m)
	l.Rates, l.Shares = append(l.Rates, m.Rate), append(l.Shares, m.Share)
}

// conclude takes the median of each operation's runs: the run whose share, or else rate, is the median. Errors of all
// runs count.
func (r *Report) conclude() {
	for i := range r.Operations {
		l := &r.Operations[i]
		slices.SortStableFunc(l.all, func(a, b Measured) int { return cmp.Or(cmp.Compare(a.Share, b.Share), cmp.Compare(a.Rate, b.Rate)) })
		l.Measured = l.all[len(l.all)/2]
		l.Errors, l.Unsent = 0, 0
		for _, m := range l.all {
			l.Errors, l.Unsent = l.Errors+m.Errors, l.Unsent+m.Unsent
			l.FirstError = cmp.Or(l.FirstError, m.FirstError)
		}
	}
	r.inOrder()
	r.Sizing = r.sizes()
	r.explain()
}

// inOrder has operations in the order of their table, and mixes behind them, though they were measured in another.
func (r *Report) inOrder() {
	place := func(l Line) int {
		if at := slices.Index(Operations(), l.Operation); at >= 0 {
			return at
		}
		return len(operations)
	}
	slices.SortStableFunc(r.Operations, func(a, b Line) int { return place(a) - place(b) })
}

// note says something that readers of the figures have to know.
func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (r *Report) explain() {
	if r.ServerCores == 0 {
		r.note("Load and server shared the machine's processors: with processors of its own the server does more.")
	}
	if r.Database == "postgres" {
		r.note("PostgreSQL runs where it was started, perhaps on the same processors; its CPU and memory are not the server's.")
	}
	if r.AskedRate > 0 {
		r.note("A rate was asked for: the share is how much of the limit that was, not what could be reached.")
	}
	if slices.ContainsFunc(r.Operations, func(l Line) bool { return l.Unsent > 0 }) {
		r.note("Requests that were to begin were not sent, because all connections waited for answers: " +
			"the server, or the load, cannot keep up with that rate. More connections may help.")
	}
}

// Failed is an error if requests failed, with the first of them.
func (r *Report) Failed() error {
	var all []error
	for _, l := range r.Operations {
		if l.Errors > 0 && !isPart(l.Operation) {
			all = append(all, fmt.Errorf("%s: %d requests failed, the first with: %s", l.Operation, l.Errors, l.FirstError))
		}
	}
	return errors.Join(all...)
}
