package store_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
)

// commits counts what SQLite wrote, in all databases of the tests.
var commits atomic.Int64

// duringCommit is called by each commit, which fails if it returns false.
var duringCommit atomic.Pointer[func() bool]

func init() {
	sqlite.RegisterConnectionHook(func(conn sqlite.ExecQuerierContext, _ string) error {
		conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
			if f := duringCommit.Load(); f != nil && !(*f)() {
				return 1
			}
			commits.Add(1)
			return 0
		})
		return nil
	})
}

func benchmarkDB(b *testing.B) (*store.DB, store.Grant) {
	db := migrated(b, filepath.Join(b.TempDir(), "grantd.db"))
	storetest.Populate(b, db, "g")
	g, err := db.Grant(b.Context(), "g")
	if err != nil {
		b.Fatal(err)
	}
	g.MaxExpiresAt = g.MaxExpiresAt.AddDate(100, 0, 0)
	b.ReportAllocs()
	return db, g
}

func BenchmarkCreateGrant(b *testing.B) {
	db, g := benchmarkDB(b)
	n := 0
	for b.Loop() {
		n++
		g.ID = fmt.Sprint("g", n)
		if created, err := db.CreateGrant(b.Context(), g, "hash"); !created || err != nil {
			b.Fatal(created, err)
		}
	}
}

// rotations returns the refreshes, by the tokens that count, of n new authorizations like g.
func rotations(t testing.TB, db *store.DB, g store.Grant, n int) []store.Rotation {
	t.Helper()
	all := make([]store.Rotation, n)
	for i := range all {
		g.ID = fmt.Sprint("rotated-", i)
		if created, err := db.CreateGrant(t.Context(), g, "hash"); !created || err != nil {
			t.Fatal(created, err)
		}
		all[i] = rotationOf(g)
	}
	return all
}

// BenchmarkRotateGrant lets clients with an authorization each refresh at the same time.
func BenchmarkRotateGrant(b *testing.B) {
	for _, clients := range []int{1, 4, 16, 64, 256} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			db, g := benchmarkDB(b)
			var wg sync.WaitGroup
			var todo atomic.Int64
			todo.Store(int64(b.N))
			all := rotations(b, db, g, clients)
			b.ResetTimer()
			before := commits.Load()
			for _, in := range all {
				wg.Go(func() {
					for todo.Add(-1) >= 0 {
						res, err := db.RotateGrant(b.Context(), in)
						if err != nil || res.Outcome != store.Rotated {
							b.Error(res.Outcome, err)
						}
						in.Generation++
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rotations/s")
			b.ReportMetric(float64(commits.Load()-before)/float64(b.N), "commits/rotation")
		})
	}
}

// BenchmarkRevokeWhileOthersRotate shows how long a revocation waits in a storm of refreshes.
func BenchmarkRevokeWhileOthersRotate(b *testing.B) {
	db, g := benchmarkDB(b)
	end := storm(b, db, rotations(b, db, g, 64))
	longest := time.Duration(0)
	for b.Loop() {
		start := time.Now()
		if _, err := db.RevokeGrant(b.Context(), "nothing", g.RotatedAt, g.ExpiresAt); err != nil {
			b.Fatal(err)
		}
		longest = max(longest, time.Since(start))
	}
	end()
	b.ReportMetric(float64(longest.Microseconds())/1000, "ms-at-most")
}
