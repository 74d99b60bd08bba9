package store_test

import (
	"cmp"
	"context"
	cryptorand "crypto/rand"
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
	b.Run("sqlite", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "grantd.db")
		g := growing(b, "sqlite:"+path)
		g.callers = 16
		g.written = func(b *testing.B) float64 {
			log, err := os.Stat(path + "-wal")
			if err != nil {
				b.Fatal(err)
			}
			return float64(log.Size())
		}
		g.checkpoint = func() {
			if err := g.settle(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		bench(b, g)
	})
	b.Run("postgres", func(b *testing.B) {
		c := pgtest.Start(b, pgtest.Options{Settings: production})
		g := growing(b, c.CreateDatabase())
		g.callers = 16
		g.written = func(b *testing.B) (bytes float64) {
			if err := g.ask(b.Context(), `SELECT (pg_current_wal_insert_lsn() - '0/0')::float8`, &bytes); err != nil {
				b.Fatal(err)
			}
			return bytes
		}
		g.checkpoint = func() { c.Exec("CHECKPOINT") }
		bench(b, g)
	})
}

// BenchmarkGrowth makes logins and ten refreshes of each, and reports the room that they take.
func BenchmarkGrowth(b *testing.B) {
	eachDatabase(b, func(b *testing.B, g *grown) {
		logins := millionth(b)
		begin := time.Now()
		g.logIn(b, logins)
		b.ReportMetric(float64(logins)/time.Since(begin).Seconds(), "logins/s")
		begin = time.Now()
		before := 0.0
		if g.postgres {
			before = g.written(b)
		}
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

// BenchmarkWritten reports how much each kind of change writes to the log of the database: after a
// checkpoint, when PostgreSQL writes each page whole that it touches for the first time, and later.
// SQLite writes whole pages always, one of each for all changes that share a commit.
func BenchmarkWritten(b *testing.B) {
	eachDatabase(b, func(b *testing.B, g *grown) {
		g.logIn(b, millionth(b))
		const n = 100 // of which SQLite's log holds all
		some := &grown{db: g.db, callers: 1}
		for range n {
			some.all = append(some.all, g.all[rand.IntN(len(g.all))])
		}
		slices.SortFunc(some.all, func(x, y store.Rotation) int { return cmp.Compare(x.ID, y.ID) })
		some.all = slices.CompactFunc(some.all, func(x, y store.Rotation) bool { return x.ID == y.ID })
		per := func(what string, do func()) {
			before := g.written(b)
			do()
			b.ReportMetric((g.written(b)-before)/float64(len(some.all)), "B/"+what)
		}
		g.checkpoint()
		per("refresh@checkpoint", func() { some.refresh(b, 1) })
		if !g.postgres {
			g.checkpoint()
		}
		per("refresh", func() { some.refresh(b, 1) })
		some.callers = 16
		if !g.postgres {
			g.checkpoint()
		}
		per("refresh-of-16", func() { some.refresh(b, 1) })
		g.checkpoint()
		users := g.addUsers(b, 1)
		logIn := func() {
			for range some.all {
				in := some.all[0]
				a := store.Grant{ID: cryptorand.Text(), ClientID: in.ClientID, UserID: users[0], Scope: []string{"me", "items"}, Generation: 1,
					AuthTime: in.Now, CreatedAt: in.Now, RotatedAt: in.Now, ExpiresAt: in.Now.Add(time.Hour), MaxExpiresAt: in.Now.Add(time.Hour)}
				if _, err := g.db.CreateGrant(b.Context(), a, "hash"); err != nil {
					b.Fatal(err)
				}
			}
		}
		g.checkpoint()
		per("login@checkpoint", logIn)
		revoke := func() {
			for _, in := range some.all {
				if _, err := g.db.RevokeGrant(b.Context(), in.ID, in.Now, in.Until); err != nil {
					b.Fatal(err)
				}
			}
		}
		g.checkpoint()
		per("revoke@checkpoint", revoke)
	})
}

// BenchmarkSweep reports how long calls of Sweep take where nothing is dead and where all is.
func BenchmarkSweep(b *testing.B) {
	for _, batch := range []int{20, 100, 500} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			eachDatabase(b, func(b *testing.B, g *grown) {
				g.fill(b, millionth(b))
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

func (g *grown) settleOrFail(b *testing.B) {
	b.Helper()
	if err := g.settle(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// fill is logIn for those in a hurry: what it adds is the same.
func (g *grown) fill(b *testing.B, n int) {
	b.Helper()
	now := time.Now().Truncate(time.Millisecond)
	users := g.addUsers(b, (n+1)/2)
	for len(g.all) < n {
		query := ""
		for range min(1000, n-len(g.all)) {
			in := store.Rotation{
				ID: cryptorand.Text(), ClientID: "app", UserID: users[len(g.all)/2], Generation: 1,
				Now: now, IdleTTL: 720 * time.Hour, Grace: 30 * time.Second, Until: now.Add(time.Hour),
			}
			g.all = append(g.all, in)
			query += fmt.Sprintf(`, ('%s', 'app', '%s', '["me","items"]', 1, %[3]d, %[3]d, %[3]d, %d, %d, NULL)`,
				in.ID, in.UserID, now.UnixMilli(), now.Add(720*time.Hour).UnixMilli(), now.Add(2160*time.Hour).UnixMilli())
		}
		if err := g.db.Exec(b.Context(), `INSERT INTO grants VALUES `+query[1:]); err != nil {
			b.Fatal(err)
		}
	}
	g.settleOrFail(b)
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

// BenchmarkRotateDuringSweep lets 8 clients refresh, 20 times a second each, while nothing is swept,
// while the sweep finds nothing, and while it finds that every other authorization is dead.
func BenchmarkRotateDuringSweep(b *testing.B) {
	eachDatabase(b, func(b *testing.B, g *grown) {
		logins := millionth(b)
		g.fill(b, logins)
		now := g.all[0].Now
		for i := range g.all[:logins/2] { // half are refreshed a day later, and outlive the others
			g.all[i].Now = now.Add(24 * time.Hour)
		}
		refreshed := &grown{db: g.db, all: g.all[:logins/2], callers: 16}
		refreshed.refresh(b, 1)
		dead := now.Add(721 * time.Hour)
		sweeps := map[string]*store.Sweep{"alone": {}, "clean": {Now: now}, "dead": {Now: dead}}
		took, deleted := map[string]times{}, 0
		for range 6 { // by turns: what else the machine does disturbs all alike
			for name, in := range sweeps {
				t, n := g.refreshDuring(b, in)
				took[name] = append(took[name], t...)
				deleted += n
			}
		}
		for name, t := range took {
			b.ReportMetric(t.at(0.5), name+"-p50-ms")
			b.ReportMetric(t.at(0.99), name+"-p99-ms")
			b.ReportMetric(t.at(1), name+"-max-ms")
		}
		b.ReportMetric(float64(deleted)/(6*refreshTime).Seconds(), "deleted/s")
	})
}

// refreshTime is how long clients refresh in a turn.
const refreshTime = 2 * time.Second

// refreshDuring returns how long refreshes took while a server sweeps, and goes on where it stopped.
func (g *grown) refreshDuring(b *testing.B, in *store.Sweep) (took times, deleted int) {
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
func (g *grown) sweepAsServersDo(ctx context.Context, in *store.Sweep) (deleted int) {
	for ctx.Err() == nil {
		begin := time.Now()
		swept, err := g.db.Sweep(ctx, *in)
		if err != nil {
			break
		}
		deleted += swept.Deleted
		var pause time.Duration
		*in, pause = in.Next(swept, time.Since(begin))
		time.Sleep(pause)
	}
	return deleted
}

// BenchmarkRotatePostgres is BenchmarkRotateGrant on PostgreSQL, with the ten connections of a server.
func BenchmarkRotatePostgres(b *testing.B) {
	g := growing(b, pgtest.Start(b, pgtest.Options{Settings: production}).CreateDatabase())
	g.fill(b, 10_000)
	for _, clients := range []int{1, 4, 16, 64, 256} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			g.callers = clients
			g.eachAtOnce(b, b.N, func(i int) error { return g.rotate(b.Context(), i%len(g.all)) })
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rotations/s")
		})
	}
}
