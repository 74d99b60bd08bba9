package store_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// millionth is the part of a million logins that benchmarks make: GRANTD_SCALE, where 1 is all, or a
// thousandth.
func millionth(b *testing.B) (logins int) {
	scale, err := strconv.ParseFloat(cmp.Or(os.Getenv("GRANTD_SCALE"), "0.001"), 64)
	if err != nil || scale <= 0 {
		b.Fatalf("GRANTD_SCALE must be a number such as 0.01: %v", err)
	}
	b.ReportMetric(scale, "scale")
	return max(int(scale*1e6), 100)
}

// Settings of PostgreSQL as in production: what was answered is on the disk, memory is not the
// default 128 MB, and checkpoints are minutes apart.
var production = map[string]string{
	"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min",
}

// eachDatabase runs a benchmark on an empty database of each kind.
func eachDatabase(b *testing.B, bench func(b *testing.B, g *grown)) {
	for name, url := range map[string]func(b *testing.B) string{
		"sqlite": func(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "grantd.db") },
		"postgres": func(b *testing.B) string {
			return pgtest.Start(b, pgtest.Options{Settings: production}).CreateDatabase()
		},
	} {
		b.Run(name, func(b *testing.B) {
			g := growing(b, url(b))
			g.callers = 16
			bench(b, g)
		})
	}
}

// BenchmarkGrowth makes logins and ten refreshes of each, and reports the room that they take.
func BenchmarkGrowth(b *testing.B) {
	eachDatabase(b, func(b *testing.B, g *grown) {
		logins := millionth(b)
		begin := time.Now()
		g.logIn(b, logins)
		b.ReportMetric(float64(logins)/time.Since(begin).Seconds(), "logins/s")
		begin = time.Now()
		before := g.written(b)
		for _, times := range []int{0, 1, 5, 10} {
			g.refresh(b, times-int(g.all[0].Generation-1))
			rows, s := g.perGrant(b)
			b.ReportMetric(s.table, fmt.Sprintf("table-B/row@%d", times))
			b.ReportMetric(s.indexes, fmt.Sprintf("index-B/row@%d", times))
			if rows != logins {
				b.Errorf("%d rows for %d logins", rows, logins)
			}
		}
		b.ReportMetric(float64(10*logins)/time.Since(begin).Seconds(), "refreshes/s")
		if g.postgres {
			b.ReportMetric((g.written(b)-before)/float64(10*logins), "WAL-B/refresh")
			updates, hot := g.updates(b)
			b.ReportMetric(100*hot/updates, "%heap-only")
		}
	})
}

// BenchmarkSweep reports how long calls of Sweep take where nothing is dead and where all is.
func BenchmarkSweep(b *testing.B) {
	for _, batch := range []int{100, 250, 500, 1000} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			eachDatabase(b, func(b *testing.B, g *grown) {
				g.logIn(b, millionth(b))
				g.settleOrFail(b)
				in := store.Sweep{Now: g.all[0].Now, Batch: batch}
				b.ReportMetric(g.sweepTimes(b, in).at(0.5), "clean-p50-ms")
				in.Now = in.Now.Add(2160 * time.Hour)
				dead := g.sweepTimes(b, in)
				b.ReportMetric(dead.at(0.5), "dead-p50-ms")
				b.ReportMetric(dead.at(0.99), "dead-p99-ms")
				b.ReportMetric(dead.at(1), "dead-max-ms")
				b.ReportMetric(float64(len(g.all))/dead.sum().Seconds(), "deleted/s")
			})
		})
	}
}

// written is how much PostgreSQL has written to its log, in bytes.
func (g *grown) written(b *testing.B) (bytes float64) {
	b.Helper()
	if g.postgres {
		if err := g.ask(b.Context(), `SELECT (pg_current_wal_insert_lsn() - '0/0')::float8`, &bytes); err != nil {
			b.Fatal(err)
		}
	}
	return bytes
}

func (g *grown) settleOrFail(b *testing.B) {
	b.Helper()
	if err := g.settle(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// times are how long calls took.
type times []time.Duration

// at returns a quantile in milliseconds.
func (t times) at(q float64) float64 {
	if len(t) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t))
	return float64(sorted[min(int(q*float64(len(t))), len(t)-1)].Microseconds()) / 1000
}

func (t times) sum() (sum time.Duration) {
	for _, d := range t {
		sum += d
	}
	return sum
}

// sweepTimes goes through all once.
func (g *grown) sweepTimes(b *testing.B, in store.Sweep) (took times) {
	b.Helper()
	for {
		begin := time.Now()
		swept, err := g.db.Sweep(b.Context(), in)
		if err != nil {
			b.Fatal(err)
		}
		if swept.Deleted > 0 || in.Cursor != "" {
			took = append(took, time.Since(begin))
		}
		if in.Cursor = swept.Cursor; in.Cursor == "" {
			return took
		}
	}
}

// BenchmarkRotateDuringSweep lets 8 clients refresh, 20 times a second each, while nothing is swept, while a walk finds
// nothing, and while it finds that all others are dead.
func BenchmarkRotateDuringSweep(b *testing.B) {
	eachDatabase(b, func(b *testing.B, g *grown) {
		logins := millionth(b)
		g.logIn(b, logins)
		g.settleOrFail(b)
		now := g.all[0].Now
		for i := range g.all[:logins/2] { // half are refreshed once more, and outlive the others
			g.all[i].Now = now.Add(24 * time.Hour)
			if err := g.rotate(b.Context(), i); err != nil {
				b.Fatal(err)
			}
		}
		for _, c := range []struct {
			name string
			in   store.Sweep
		}{
			{"alone", store.Sweep{}},
			{"clean", store.Sweep{Now: now}},
			{"dead", store.Sweep{Now: now.Add(721 * time.Hour)}},
		} {
			took, deleted := g.refreshDuring(b, c.in)
			b.ReportMetric(took.at(0.5), c.name+"-p50-ms")
			b.ReportMetric(took.at(0.99), c.name+"-p99-ms")
			b.ReportMetric(took.at(1), c.name+"-max-ms")
			if c.name == "dead" {
				b.ReportMetric(float64(deleted)/refreshTime.Seconds(), "deleted/s")
			}
		}
	})
}

// refreshTime is how long clients refresh for one figure.
const refreshTime = 10 * time.Second

// refreshDuring returns how long refreshes took while servers sweep.
func (g *grown) refreshDuring(b *testing.B, in store.Sweep) (took times, deleted int) {
	b.Helper()
	ctx, end := context.WithTimeout(b.Context(), refreshTime)
	defer end()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for c := range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := rand.IntN(len(g.all)/2/8)*8 + c // each its own
				begin := time.Now()
				if err := g.rotate(context.WithoutCancel(ctx), i); err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(begin))
				mu.Unlock()
				time.Sleep(50*time.Millisecond - time.Since(begin))
			}
		})
	}
	if !in.Now.IsZero() {
		wg.Go(func() {
			deleted = g.sweepAsServersDo(ctx, in)
		})
	}
	wg.Wait()
	return took, deleted
}

// sweepAsServersDo goes through all again and again, at the pace of a server.
func (g *grown) sweepAsServersDo(ctx context.Context, in store.Sweep) (deleted int) {
	for ctx.Err() == nil {
		begin := time.Now()
		swept, err := g.db.Sweep(ctx, in)
		if err != nil {
			break
		}
		deleted += swept.Deleted
		var pause time.Duration
		in, pause = in.Next(swept, time.Since(begin))
		time.Sleep(pause)
	}
	return deleted
}
