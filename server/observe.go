package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/telemetry"
	"github.com/grantd/grantd/store"
)

// record is what the log says of one request. Handlers fill it in as they learn.
// Nothing secret ever goes into it.
type record struct {
	id        string
	route     string // the route's template, never the path that was sent
	client    string // once proven, or found where there is nothing to prove
	claimed   string // a client that exists, and that the request did not prove to come from
	grantType string
	from      string      // the address that it came from; empty until somebody asks
	outcome   string      // "ok", an error code, or what became of a refresh token
	reason    reason.Word // why it was refused; empty: it was not
	cause     error

	token      *scopes.Claims // of an access token of ours that was looked at; nil: there was none
	revocation error          // what is known of its revocation; nil: it is none

	request        *http.Request
	event          string          // what goes into the audit log at the end of the request; empty: nothing
	subject, grant string          // of that event
	login          bool            // a password was judged
	unsettled      <-chan struct{} // is closed when the decisions of the request are on the disk; nil: there are none
	recorder       *recorder       // that writes them
}

// noRoute is the route of what nobody offers.
const noRoute = telemetry.NoRoute

// refused notes why a request was turned away.
func (rec *record) refused(outcome string, why reason.Word, cause error) {
	rec.outcome, rec.reason, rec.cause = outcome, why, cause
}

// recordOf gives the record of a request. Outside of one it is a new one.
func recordOf(ctx context.Context) *record {
	if rec, ok := ctx.Value(recordKey{}).(*record); ok {
		return rec
	}
	return &record{}
}

// exchange is what goes with a request as long as it takes, made in one piece.
type exchange struct {
	rec    record
	ctx    requestContext
	out    statusWriter
	span   telemetry.Span // none where nobody asked for traces
	header [1]string      // the id, as the answer has it
	attrs  [maxAttrs]slog.Attr
}

// observe gives every request an id, logs it when it is done, and answers for a
// handler that panics.
func (f *frame) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		x := &exchange{rec: record{id: rand.Text(), route: noRoute, outcome: "ok"}}
		x.out = statusWriter{ResponseWriter: w, rec: &x.rec}
		x.ctx.rec, x.ctx.deadline = &x.rec, start.Add(maxTime)
		x.ctx.Context, x.span = f.startSpan(r)
		defer x.ctx.end()
		r = r.WithContext(&x.ctx)
		x.rec.request = r
		x.header[0] = x.rec.id
		h := w.Header()
		h["X-Request-Id"], h["X-Content-Type-Options"] = x.header[:], noSniff
		f.metrics.flying.Add(1)
		defer f.metrics.count(r, x, start)
		defer func() { f.logRequest(r, x, start) }()
		defer func() { f.conclude(r, x) }()
		defer func() { f.recovered(&x.out, r, recover()) }()
		next.ServeHTTP(&x.out, r)
	})
}

// errPanic is a bug of ours.
var errPanic = errors.New("panic")

// recovered turns a panic into server_error, when nothing was answered yet.
func (f *frame) recovered(w *statusWriter, r *http.Request, panicked any) {
	if panicked == nil {
		return
	}
	rec := recordOf(r.Context())
	rec.refused(serverError, reason.Panic, errPanic)
	f.metrics.panics.Inc()
	f.log.ErrorContext(r.Context(), "panic", "id", rec.id, "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler) // a half-sent answer must not look whole
	}
	f.writeError(w, r, fmt.Errorf("%w: %v", errPanic, panicked))
}

// maxAttrs is how many attributes the record of a request has at most.
const maxAttrs = 15

// logRequest writes the record of a request. It goes past slog.Logger, which would look
// up for each line which one of the program writes it.
func (f *frame) logRequest(r *http.Request, x *exchange, start time.Time) {
	end, level := time.Now(), levelOf(&x.rec, x.out.status)
	if !f.log.Enabled(r.Context(), level) {
		return
	}
	rec := slog.NewRecord(end, level, "request", 0)
	// A group without a name is no group to whoever prints it; it saves the record from copying.
	rec.AddAttrs(slog.Attr{Value: slog.GroupValue(f.attributes(r, x, end.Sub(start))...)})
	_ = f.log.Handler().Handle(r.Context(), rec) // as slog.Logger does: there is nowhere to say that the log is gone
}

// levelOf is how much a request is worth to who reads the log.
func levelOf(rec *record, status int) slog.Level {
	switch {
	case rec.route == listPath && status < http.StatusBadRequest:
		return slog.LevelDebug // each service looks every few seconds, or several times in one
	case errors.Is(rec.cause, context.Canceled): // the client left
	case status == http.StatusServiceUnavailable && !errors.Is(rec.cause, store.ErrUnavailable):
		return slog.LevelWarn // too many logins at once
	case status >= http.StatusInternalServerError:
		return slog.LevelError
	}
	return slog.LevelInfo
}

func (f *frame) attributes(r *http.Request, x *exchange, took time.Duration) []slog.Attr {
	rec := &x.rec
	attrs := append(x.attrs[:0],
		slog.String("id", rec.id), slog.String("method", methodOf(r)), slog.String("route", rec.route), slog.Int("status", x.out.status),
		slog.Float64("took_ms", float64(took.Microseconds())/1000), slog.String("from", f.clientAddress(r)),
	)
	for _, a := range [...]struct{ key, value string }{
		{"client", cmp.Or(rec.client, rec.claimed)}, {"grant_type", rec.grantType}, {"outcome", rec.outcome}, {"reason", string(rec.reason)},
		{"event", rec.event}, {"subject", rec.subject}, {"grant", rec.grant}, {"trace_id", x.span.TraceID()},
	} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	if rec.cause != nil {
		attrs = append(attrs, slog.String("cause", rec.cause.Error()))
	}
	return attrs
}

// methodOf is the method that routes have, and not whatever else was sent.
func methodOf(r *http.Request) string {
	switch r.Method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return r.Method
	}
	return "other"
}

// statusWriter remembers what was answered, and lets no answer go before what was decided is on the disk.
type statusWriter struct {
	http.ResponseWriter
	rec    *record
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.rec.settle()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
		w.rec.settle()
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
