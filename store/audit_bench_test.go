package store_test

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// BenchmarkAppendEvents tells what an event costs the database, in time and in bytes: refreshes, of which many share a commit, and
// decisions, which come two by two.
func BenchmarkAppendEvents(b *testing.B) {
	for _, c := range []struct {
		kind     string
		together int
	}{{"refresh_token.rotated", 200}, {"grant.created", 2}} {
		b.Run(c.kind+"/SQLite", func(b *testing.B) {
			db := migrated(b, filepath.Join(b.TempDir(), "grantd.db"))
			benchmarkAppend(b, db, c.kind, c.together, `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`)
		})
		b.Run(c.kind+"/PostgreSQL", func(b *testing.B) {
			db := migratedURL(b, pgtest.URL(b))
			benchmarkAppend(b, db, c.kind, c.together, `SELECT pg_total_relation_size('audit_events')`)
		})
	}
}

func benchmarkAppend(b *testing.B, db *store.DB, kind string, together int, size string) {
	events := make([]store.Event, together)
	before, n := sizeOf(b, db, size), 0
	for b.Loop() {
		for i := range events {
			e := store.Event{
				At: time.Now(), Type: kind, Outcome: "ok", RequestID: rand.Text(), Actor: "client:dev", Subject: rand.Text(), ClientID: "dev", GrantID: rand.Text(), Address: "192.0.2.1",
			}
			if kind == "grant.created" {
				e.Detail = store.Detail{"grant_type": "authorization_code", "scope": "openid me items"}
			}
			events[i] = e
		}
		if _, err := db.AppendEvents(b.Context(), auditKey, events); err != nil {
			b.Fatal(err)
		}
		n += together
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "µs/event")
	b.ReportMetric((sizeOf(b, db, size)-before)/float64(n), "bytes/event")
	b.ReportMetric(0, "ns/op")
}

func sizeOf(b *testing.B, db *store.DB, query string) (bytes float64) {
	b.Helper()
	conn, err := db.Writer(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	if err := conn.QueryRowContext(b.Context(), query).Scan(&bytes); err != nil {
		b.Fatal(fmt.Errorf("%s: %w", query, err))
	}
	return bytes
}
