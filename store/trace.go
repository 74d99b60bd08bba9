package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Tracer is called before something that may take its time, with what it is: a statement such as
// "UPDATE grants", without anything that was asked for, or a wait. What it returns is called with the
// error when that is over, and the context goes with it. System is "postgresql" or "sqlite".
type Tracer func(ctx context.Context, system, what string) (context.Context, func(error))

// Trace has a tracer called from now on. It must be set before anybody uses the database.
func (db *DB) Trace(t Tracer) { db.dialect.tracer = t }

func untraced(error) {}

// span tells the tracer, if there is one.
func (d *dialect) span(ctx context.Context, what string) (context.Context, func(error)) {
	if d.tracer == nil {
		return ctx, untraced
	}
	return d.tracer(ctx, d.system, what)
}

// statement is span for one, where the driver does not tell.
func (d *dialect) statement(ctx context.Context, query string) (context.Context, func(error)) {
	if d.tracer == nil || d.driverTells {
		return ctx, untraced
	}
	ctx, done := d.tracer(ctx, d.system, summary(query))
	return ctx, func(err error) {
		if errors.Is(err, sql.ErrNoRows) { // an answer like any other
			err = nil
		}
		done(err)
	}
}

// pgxTracer hears from pgx of each round trip, those of transactions included. It is a pgx.QueryTracer.
type pgxTracer struct{ *dialect }

type endKey struct{}

// TraceQueryStart is called before a statement.
func (t pgxTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if t.tracer == nil {
		return ctx
	}
	ctx, done := t.tracer(ctx, t.system, summary(data.SQL))
	return context.WithValue(ctx, endKey{}, done)
}

// TraceQueryEnd is called when its last row was read.
func (t pgxTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if done, ok := ctx.Value(endKey{}).(func(error)); ok {
		done(data.Err)
	}
}

var summaries sync.Map

// summary is what a statement does, and to which table: "UPDATE grants". It is found once for each of
// the texts, which are ours and few.
func summary(query string) string {
	if known, ok := summaries.Load(query); ok {
		return known.(string)
	}
	words := strings.FieldsFunc(query, func(r rune) bool { return strings.ContainsRune(" \t\n(),;", r) })
	short := summarized(words)
	summaries.Store(query, short)
	return short
}

func summarized(words []string) string {
	if len(words) == 0 {
		return "statement"
	}
	verb := strings.ToUpper(words[0])
	for i, word := range words[:len(words)-1] {
		switch strings.ToUpper(word) {
		case "FROM", "INTO", "UPDATE":
			if next := words[i+1]; !strings.EqualFold(next, "SELECT") && !strings.EqualFold(next, "SET") {
				return verb + " " + next
			}
		}
	}
	return verb
}
