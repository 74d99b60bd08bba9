package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/grantd/grantd/server/telemetry"
	"github.com/grantd/grantd/store"
)

const (
	untoldTime = time.Minute     // between two lines of the log that tell of spans that were not sent
	flushTime  = 5 * time.Second // for the last spans, when the server stops
)

// newTracing sets traces up as the variables of OpenTelemetry say. It is nil where they ask for none.
// It is to be closed when no request is left.
func newTracing(ctx context.Context, db *store.DB, log *slog.Logger) (tracing *telemetry.Tracing, closing func(), err error) {
	var mu sync.Mutex
	var told time.Time
	tracing, err = telemetry.NewTracing(ctx, version(), func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(told) >= untoldTime {
			told = now
			log.Warn("traces are not complete", "error", err)
		}
	})
	if tracing == nil {
		return nil, func() {}, err
	}
	db.Trace(tracing.Database)
	return tracing, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
		defer cancel()
		if err := tracing.Close(ctx); err != nil {
			log.Warn("the last traces were not sent", "error", err)
		}
	}, nil
}
