package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// BenchmarkCopy copies authorizations to PostgreSQL and SQLite, and again when nothing has changed.
func BenchmarkCopy(b *testing.B) {
	const rows = 20_000
	from := migrated(b, filepath.Join(b.TempDir(), "grantd.db"))
	storetest.Populate(b, from, "g")
	if err := from.Exec(b.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO grants SELECT lower(hex(randomblob(13))), client_id, user_id, scope, i % 50, auth_time, created_at, rotated_at,
		expires_at, max_expires_at, revoked_at FROM grants, n WHERE id = 'g'`, rows); err != nil {
		b.Fatal(err)
	}
	for name, open := range map[string]func() *store.DB{
		"SQLite":     func() *store.DB { return openURL(b, "sqlite:"+filepath.Join(b.TempDir(), "copy.db")) },
		"PostgreSQL": func() *store.DB { return openURL(b, pgtest.URL(b)) },
	} {
		b.Run(name, func(b *testing.B) {
			var first, again time.Duration
			for range b.N {
				to := open()
				for _, took := range []*time.Duration{&first, &again} {
					start := time.Now()
					if _, err := from.CopyTo(b.Context(), to, nil); err != nil {
						b.Fatal(err)
					}
					*took += time.Since(start)
				}
			}
			b.ReportMetric(rows*float64(b.N)/first.Seconds(), "rows/s")
			b.ReportMetric(rows*float64(b.N)/again.Seconds(), "equal-rows/s")
		})
	}
}
