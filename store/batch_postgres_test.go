package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// onPostgres is groupOf on PostgreSQL, where the commit of a rotation runs function once for each row.
func onPostgres(t *testing.T, n int, function string) *grouped {
	t.Helper()
	db := migratedURL(t, pgtest.URL(t))
	g := groupOf(t, db, n)
	if function == "" {
		return g
	}
	for _, query := range []string{
		`CREATE SEQUENCE times`,
		`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ` + function + `; RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER f AFTER UPDATE ON grants DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()`,
	} {
		if err := db.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func TestPostgresGroupIsOneTransaction(t *testing.T) {
	g := onPostgres(t, 20, "")
	late := &g.in[7]
	if err := g.db.Exec(t.Context(), `UPDATE grants SET expires_at = $1, max_expires_at = $1`, time.Now().Add(time.Hour).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	late.Now = time.Now().Add(-time.Minute) // the network held it up: it is dated by its arrival
	g.start(t)
	g.wg.Wait()
	for i := range g.in {
		g.want(t, i, store.Rotated)
	}
	if n, err := g.db.Transactions(t.Context()); n != 1 || err != nil {
		t.Errorf("%d transactions, %v", n, err)
	}
	if since := g.res[7].Grant.RotatedAt.Sub(late.Now); since < 50*time.Second {
		t.Errorf("the late one is dated %v after it was sent", since)
	}
}

// Whoever waits for a row that another session has locked waits alone.
func TestPostgresGroupWaitsForNoRow(t *testing.T) {
	g := onPostgres(t, 5, "")
	unlock := lock(t, g.db, `SELECT 1 FROM grants WHERE id = '`+g.in[2].ID+`' FOR UPDATE`)
	g.start(t)
	eventually(t, func() bool { // all but that one
		n, err := g.db.Transactions(t.Context())
		return err == nil && n == 2 // theirs, and that which made the one
	})
	for _, i := range []int{0, 1, 3, 4} {
		if row, err := g.db.Grant(t.Context(), g.in[i].ID); err != nil || row.Generation != g.in[i].Generation+1 {
			t.Errorf("caller %d: %v, %v", i, row, err)
		}
	}
	unlock()
	g.wg.Wait()
	for i := range g.in {
		g.want(t, i, store.Rotated)
	}
}

// lock runs query in a transaction that ends with unlock.
func lock(t *testing.T, db *store.DB, query string) (unlock func()) {
	t.Helper()
	conn, err := db.Writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"BEGIN", query} {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		_, err := conn.ExecContext(t.Context(), "ROLLBACK")
		if err := errors.Join(err, conn.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestPostgresCommitOfAGroupFails(t *testing.T) {
	g := onPostgres(t, 5, `RAISE 'no'`)
	g.start(t)
	g.wg.Wait()
	for i := range g.in {
		g.wantFailed(t, i)
	}
}

// One who cannot be served is no harm to the rest of the group.
func TestPostgresFaultOfOneInAGroup(t *testing.T) {
	g := onPostgres(t, 5, `IF new.id = 'rotated-2' THEN RAISE 'no'; END IF`)
	g.in[1].Grace = 0 // nothing was rotated: it may go its own way, too
	g.start(t)
	g.wg.Wait()
	for i := range g.in {
		if i == 2 {
			g.wantFailed(t, i)
		} else {
			g.want(t, i, store.Rotated)
		}
	}
}

func TestPostgresUnreadableRowInAGroup(t *testing.T) {
	g := onPostgres(t, 5, "")
	if err := g.db.Exec(t.Context(), `UPDATE grants SET scope = 'me' WHERE id = $1`, g.in[2].ID); err != nil {
		t.Fatal(err)
	}
	g.start(t)
	g.wg.Wait()
	for i := range g.in {
		if i != 2 {
			g.want(t, i, store.Rotated)
		} else if g.err[i] == nil {
			t.Error("no error for it")
		}
	}
}

// The session ends before the commit, and nobody knows whether it came to that: who has a grace asks
// again, who has none is told of the fault.
func TestPostgresGroupIsLost(t *testing.T) {
	g := onPostgres(t, 5, `IF nextval('times') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF`)
	g.in[2].Grace = 0
	g.start(t)
	g.wg.Wait()
	for i := range g.in {
		if i == 2 {
			g.wantFailed(t, i)
			wantFault(t, g.err[i], "look into its log")
		} else {
			g.want(t, i, store.Rotated)
		}
	}
}

// The answer to a group is lost after the commit: who has a grace asks again and is told of a repeat.
func TestPostgresAnswerOfAGroupIsLost(t *testing.T) {
	url := pgtest.URL(t)
	direct, network := migratedURL(t, url), pgtest.Proxy(t, url)
	g := groupOf(t, direct, 5)
	g.db = openURL(t, network.URL(url))
	g.in[2].Grace = 0
	for range 2 { // connected, prepared, and found alive
		g.start(t)
		g.wg.Wait()
		for i := range g.in {
			g.want(t, i, store.Rotated)
			g.in[i].Generation++
			g.in[i].Now = g.in[i].Now.Add(time.Second)
		}
	}
	network.FreezeReplies()
	g.start(t)
	eventually(t, func() bool {
		row, err := direct.Grant(t.Context(), g.in[4].ID)
		return err == nil && row.Generation > g.in[4].Generation
	})
	network.Cut()
	network.Thaw()
	g.wg.Wait()
	for i := range g.in {
		if i == 2 {
			wantFault(t, g.err[i], "the connection to PostgreSQL broke")
		} else {
			g.want(t, i, store.Repeated)
		}
	}
}

func TestPostgresCallerLeavesDuringTheCommit(t *testing.T) {
	g := onPostgres(t, 5, `PERFORM pg_advisory_xact_lock(42)`)
	unlock := lock(t, g.db, `SELECT pg_advisory_xact_lock(42)`)
	g.start(t)
	eventually(t, func() bool { return g.db.InUse() == 2 })
	g.end[1]()
	<-g.done[1]
	if !errors.Is(g.err[1], context.Canceled) {
		t.Error(g.err[1])
	}
	g.wantUnanswered(t, 0)
	unlock()
	g.wg.Wait()
	for _, i := range []int{0, 2, 3, 4} {
		g.want(t, i, store.Rotated)
	}
	if n, err := g.db.Transactions(t.Context()); n != 1 || err != nil {
		t.Errorf("%d transactions, %v", n, err)
	}
}

// Where the database is far away, those who come while a group is under way do not wait for its end.
func TestPostgresGroupsAtTheSameTime(t *testing.T) {
	g := onPostgres(t, 6, `IF new.id IN ('rotated-0', 'rotated-1') THEN PERFORM pg_advisory_xact_lock(42); END IF`)
	unlock := lock(t, g.db, `SELECT pg_advisory_xact_lock(42)`)
	slow, fast := &grouped{db: g.db, in: g.in[:2]}, &grouped{db: g.db, in: g.in[2:]}
	slow.start(t)
	eventually(t, func() bool { return g.db.InUse() == 2 })
	fast.res, fast.err = make([]store.RotateResult, 4), make([]error, 4)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // half of what the slow ones may take
	defer cancel()
	for i := range fast.in {
		fast.wg.Go(func() { fast.res[i], fast.err[i] = g.db.RotateGrant(ctx, fast.in[i]) })
	}
	fast.wg.Wait()
	for i := range fast.in {
		fast.want(t, i, store.Rotated)
	}
	slow.wantUnanswered(t, 0)
	unlock()
	slow.wg.Wait()
	for i := range slow.in {
		slow.want(t, i, store.Rotated)
	}
}
