package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// Where an operator made SERIALIZABLE the default, and in engines that know nothing else,
// transactions fail that would have waited.
func TestPostgresSerializable(t *testing.T) {
	url := withParam(pgtest.URL(t), "default_transaction_isolation=serializable")
	storetest.Run(t, func(t *testing.T) *store.DB { return emptied(t, url) })
}

func withParam(url, param string) string {
	if strings.Contains(url, "?") {
		return url + "&" + param
	}
	return url + "?" + param
}

// Ten replicas that start on an empty database: one migrates, all go on.
func TestPostgresMigrateAtOnce(t *testing.T) {
	direct, pooled := pgtest.URL(t), pgtest.URL(t)
	for name, url := range map[string]string{"direct": direct, "PgBouncer": pgtest.Bouncer(t, pooled, pgtest.BouncerOptions{PoolSize: 5})} {
		t.Run(name, func(t *testing.T) {
			var wg sync.WaitGroup
			versions := make([]int64, 10)
			for i := range versions {
				db := openURL(t, url)
				wg.Go(func() {
					from, to, err := db.Migrate(t.Context())
					if err != nil {
						t.Errorf("replica %d: %v", i, err)
					}
					versions[i] = to - from
				})
			}
			wg.Wait()
			applied := 0
			for _, n := range versions {
				if n > 0 {
					applied++
				}
			}
			if applied != 1 {
				t.Errorf("migrated by %d replicas: %d", applied, versions)
			}
			if err := openURL(t, url).Ready(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A refresh whose answer is lost with the connection is asked again, and answered as a repeat.
func TestPostgresLostAnswer(t *testing.T) {
	url := pgtest.URL(t)
	direct, network := migratedURL(t, url), pgtest.Proxy(t, url)
	storetest.Populate(t, direct, "g")
	db := openURL(t, network.URL(url))
	for _, grace := range []time.Duration{30 * time.Second, 0} {
		before, err := direct.Grant(t.Context(), "g")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // connected, prepared, and found alive
			warm, err := db.RotateGrant(t.Context(), rotationOf(before))
			if err != nil || warm.Outcome != store.Rotated {
				t.Fatal(warm, err)
			}
			before = warm.Grant
		}
		in := rotationOf(before)
		in.Now, in.Grace = before.RotatedAt.Add(time.Second), grace
		var wg sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		network.FreezeReplies()
		wg.Go(func() {
			res, err := db.RotateGrant(ctx, in)
			switch {
			case grace > 0 && (err != nil || res.Outcome != store.Repeated || res.Grant.Generation != in.Generation+1):
				t.Errorf("within the grace: %v, %v", res, err)
			case grace == 0 && !errors.Is(err, store.ErrUnavailable):
				t.Errorf("without a grace: %v, %v", res, err)
			}
		})
		for g := before; g.Generation == before.Generation; time.Sleep(time.Millisecond) {
			if g, err = direct.Grant(ctx, "g"); err != nil {
				t.Fatal(err)
			}
		}
		network.Cut()
		network.Thaw()
		wg.Wait()
	}
	after, err := direct.Grant(t.Context(), "g")
	if err != nil || !after.RevokedAt.IsZero() {
		t.Errorf("afterwards: %v, %v", after, err)
	}
}

// Cut connections show in no read: it is done again.
func TestPostgresCutConnections(t *testing.T) {
	url := pgtest.URL(t)
	network := pgtest.Proxy(t, url)
	db := migratedURL(t, network.URL(url))
	storetest.Populate(t, db, "g")
	for range 20 {
		network.Cut()
		if _, err := db.Grant(t.Context(), "g"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Revocations(t.Context(), time.Time{}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPostgresGoneAndBack(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{NoSync: true})
	url := cluster.CreateDatabase()
	db := migratedURL(t, url)
	storetest.Populate(t, db, "g")
	cluster.Stop(pgtest.Immediate)
	for name, call := range storetest.Methods(db) {
		if name == "Clock" {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if err := call(ctx); !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	wantFault(t, db.Ready(t.Context()), "PostgreSQL cannot be reached; start it")
	_, err := store.Open(t.Context(), url)
	wantFault(t, err, "PostgreSQL cannot be reached; start it, or correct the database setting")
	cluster.Start()
	if err := db.Ready(t.Context()); err != nil {
		t.Errorf("back again: %v", err)
	}
}

func TestPostgresReadOnly(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{NoSync: true})
	url := cluster.CreateDatabase()
	storetest.Populate(t, migratedURL(t, url), "g")
	empty := cluster.CreateDatabase()
	setReadOnly(t, cluster)
	db := openURL(t, url)
	wantFault(t, db.Ready(t.Context()), "PostgreSQL is read-only; make it writable")
	g, err := db.Grant(t.Context(), "g")
	if err != nil {
		t.Errorf("reading: %v", err)
	}
	_, err = db.RotateGrant(t.Context(), rotationOf(g))
	wantFault(t, err, "read-only")
	if _, _, err := db.Migrate(t.Context()); err != nil {
		t.Errorf("nothing to migrate: %v", err)
	}
	start := time.Now()
	_, _, err = openURL(t, empty).Migrate(t.Context())
	wantFault(t, err, "read-only")
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("tried to migrate for %s", took)
	}
}

// setReadOnly makes the whole cluster read-only, as hosting services do when a disk is full.
func setReadOnly(t *testing.T, cluster *pgtest.Cluster) {
	t.Helper()
	set := func(how, want string) {
		cluster.Exec("ALTER SYSTEM " + how)
		cluster.Exec("SELECT pg_reload_conf()")
		for got := ""; got != want; time.Sleep(time.Millisecond) { // the postmaster takes its time
			conn, err := pgx.Connect(context.Background(), cluster.AdminURL("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			err = conn.QueryRow(context.Background(), "SHOW default_transaction_read_only").Scan(&got)
			if err := errors.Join(err, conn.Close(context.Background())); err != nil {
				t.Fatal(err)
			}
		}
	}
	set("SET default_transaction_read_only = on", "on")
	t.Cleanup(func() { set("RESET default_transaction_read_only", "off") })
}

// A standby answers, with what was so a moment ago: who was revoked since then is not known there.
func TestPostgresStandby(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{NoSync: true})
	url := cluster.CreateDatabase()
	storetest.Populate(t, migratedURL(t, url), "g")
	standby := cluster.Standby(t, pgtest.StandbyOptions{})
	second := standby.URL(url[strings.LastIndex(url, "/")+1 : strings.Index(url, "?")])
	pooled := pgtest.Bouncer(t, second, pgtest.BouncerOptions{PoolSize: 3})
	for _, lagging := range []string{second, pooled} {
		_, err := store.Open(t.Context(), lagging)
		wantFault(t, err, "the database is a standby; point the database setting at the primary, or name all hosts")
	}
	wanted := openURL(t, withParam(second, "target_session_attrs=any"))
	if _, err := wanted.Grant(t.Context(), "g"); err != nil {
		t.Errorf("a standby that is wanted: %v", err)
	}
	cluster.Stop(pgtest.Immediate)
	standby.Promote()
	for _, promoted := range []string{second, pooled} {
		if err := openURL(t, promoted).Ready(t.Context()); err != nil {
			t.Errorf("promoted: %v", err)
		}
	}
}

// PostgreSQL must not answer before what it was told is on its disk, whoever set that.
func TestPostgresAsynchronousCommit(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{NoSync: true})
	url := cluster.CreateDatabase()
	name := url[strings.LastIndex(url, "/")+1 : strings.Index(url, "?")]
	cluster.Exec("ALTER DATABASE " + name + " SET synchronous_commit = off")
	const remedy = `ALTER ROLE "grantd" SET synchronous_commit = on`
	for _, url := range []string{url, pgtest.Bouncer(t, url, pgtest.BouncerOptions{PoolSize: 3})} {
		_, err := store.Open(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), "synchronous_commit is off") || !strings.HasSuffix(err.Error(), remedy) {
			t.Errorf("got %v; want %s", err, remedy)
		}
	}
	openURL(t, withParam(url, "synchronous_commit=local"))
	cluster.Exec(remedy)
	openURL(t, url)
}

// Wrong in the setting: each with its remedy, and no password.
func TestPostgresRefused(t *testing.T) {
	url := pgtest.URL(t)
	base := url[:strings.LastIndex(url, "/")]
	for wrong, remedy := range map[string]string{
		base + "/nothing": "there is no such database; create it",
		strings.Replace(url, "grantd:", "nobody:", 1):                 "refuses the user; correct user and password",
		strings.Replace(url, "sslmode=disable", "sslmode=require", 1): "PostgreSQL offers no TLS; turn it on there",
	} {
		_, err := store.Open(t.Context(), wrong)
		wantFault(t, err, remedy)
	}
}

// A migration by a newer replica must not make the older ones fail whose statements are prepared.
func TestPostgresPlanChanges(t *testing.T) {
	url := pgtest.URL(t)
	db := migratedURL(t, url)
	storetest.Populate(t, db, "g")
	for _, kind := range []string{"varchar(500)", "text"} {
		if _, err := db.Client(t.Context(), "app"); err != nil {
			t.Fatal(err)
		}
		if err := db.Exec(t.Context(), `ALTER TABLE clients ALTER COLUMN name TYPE `+kind); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Client(t.Context(), "app"); err != nil {
		t.Error(err)
	}
}

// Requests that use up all connections do not keep the server from hearing of revocations.
func TestPostgresBusy(t *testing.T) {
	url := pgtest.URL(t)
	db := openURL(t, url, store.Connections(2))
	if _, _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for range 2 {
		wg.Go(func() {
			if err := db.Exec(ctx, `SELECT pg_sleep(60)`); !errors.Is(err, context.Canceled) {
				t.Errorf("busy: %v", err)
			}
		})
	}
	for open := 0; open < 2; time.Sleep(time.Millisecond) { // until both are taken
		open = db.InUse()
	}
	for name, call := range map[string]func(context.Context) error{
		"Ready":       db.Ready,
		"Clock":       func(ctx context.Context) error { _, err := db.Clock(ctx); return err },
		"Revocations": storetest.Methods(db)["Revocations"],
		"SigningKeys": storetest.Methods(db)["SigningKeys"],
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := call(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

// The end of a request ends its statement in the database, too.
func TestPostgresDeadline(t *testing.T) {
	url := pgtest.URL(t)
	db := openURL(t, url)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := db.Exec(ctx, `SELECT pg_sleep(3600)`); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("out of time: %v", err)
	}
	const left = `DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)' AND state = 'active') THEN RAISE 'left'; END IF; END $$`
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := db.Exec(t.Context(), left)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the statement goes on: %v", err)
		}
	}
}
