package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/grantd/grantd/store"
)

// record is what the log says of one request. Handlers fill it in as they learn.
// Nothing secret ever goes into it.
type record struct {
	id        string
	route     string // the route's template, never the path that was sent
	client    string // once proven, or found where there is nothing to prove
	grantType string
	outcome   string // "ok", an error code, or what became of a refresh token
	cause     error
}

// refused notes why a request was turned away.
func (rec *record) refused(outcome string, cause error) { rec.outcome, rec.cause = outcome, cause }

type recordKey struct{}

// maxTime is how long a request may take before it gives up waiting, for the
// database or its turn to hash. The connection lives longer, so that it is answered.
const maxTime = 20 * time.Second

// recordOf gives the record of a request. Outside of one it is a new one.
func recordOf(ctx context.Context) *record {
	if rec, ok := ctx.Value(recordKey{}).(*record); ok {
		return rec
	}
	return &record{}
}

// observe gives every request an id, logs it when it is done, and answers for a
// handler that panics.
func (f *frame) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &record{id: rand.Text(), route: "none", outcome: "ok"}
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), recordKey{}, rec), maxTime)
		defer cancel()
		r = r.WithContext(ctx)
		out := &statusWriter{ResponseWriter: w}
		out.Header().Set("X-Request-Id", rec.id)
		out.Header().Set("X-Content-Type-Options", "nosniff")
		start := time.Now()
		defer func() { f.logRequest(r, rec, out.status, time.Since(start)) }()
		defer func() { f.recovered(out, r, recover()) }()
		next.ServeHTTP(out, r)
	})
}

// recovered turns a panic into server_error, when nothing was answered yet.
func (f *frame) recovered(w *statusWriter, r *http.Request, panicked any) {
	if panicked == nil {
		return
	}
	rec := recordOf(r.Context())
	rec.outcome = serverError
	f.log.ErrorContext(r.Context(), "panic", "id", rec.id, "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler) // a half-sent answer must not look whole
	}
	f.writeError(w, r, fmt.Errorf("panic: %v", panicked))
}

func (f *frame) logRequest(r *http.Request, rec *record, status int, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case rec.route == listPath && status < http.StatusBadRequest:
		level = slog.LevelDebug // each service looks every few seconds, or several times in one
	case errors.Is(rec.cause, context.Canceled): // the client left
	case status == http.StatusServiceUnavailable && !errors.Is(rec.cause, store.ErrUnavailable):
		level = slog.LevelWarn // too many logins at once
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("id", rec.id), slog.String("method", methodOf(r)), slog.String("route", rec.route),
		slog.Int("status", status), slog.Float64("took_ms", float64(took.Microseconds())/1000), slog.String("from", f.clientAddress(r)),
	}
	for _, a := range []struct{ key, value string }{{"client", rec.client}, {"grant_type", rec.grantType}, {"outcome", rec.outcome}} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	if rec.cause != nil {
		attrs = append(attrs, slog.String("cause", rec.cause.Error()))
	}
	f.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// methodOf is the method that routes have, and not whatever else was sent.
func methodOf(r *http.Request) string {
	switch r.Method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return r.Method
	}
	return "other"
}

// audit logs a security event with the request it came from.
func (f *frame) audit(ctx context.Context, level slog.Level, event string, attrs ...any) {
	f.log.Log(ctx, level, "audit", append([]any{"event", event, "id", recordOf(ctx).id}, attrs...)...)
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
