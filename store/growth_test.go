package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	mathrand "math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// grown is a database with a thousand or a million logins, and what the measuring asks it.
type grown struct {
	db      *store.DB
	all     []store.Rotation // the next refresh of each authorization
	callers int              // at the same time

	ask func(ctx context.Context, query string, into ...any) error
	// settle does what the database does by itself, sooner or later: it empties its log into the
	// tables and gives the room of dead rows back.
	settle func(ctx context.Context) error
	size   func(ctx context.Context) (size, error)

	indexed  string // asks for all indexes, as "table (columns)"
	postgres bool

	// For benchmarks: the bytes that were written to the log, and a beginning of a new one.
	written    func(b *testing.B) float64
	checkpoint func()
}

// size is in bytes.
type size struct{ table, indexes float64 }

func (s size) all() float64 { return s.table + s.indexes }

// growing returns an empty database at url.
func growing(t testing.TB, url string) *grown {
	t.Helper()
	// Callers who wait for each other would make PostgreSQL give a small table many pages at once.
	g := &grown{db: migratedURL(t, url), callers: 1}
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		g.useSQLite(t, path)
	} else {
		g.usePostgres(t, url)
	}
	storetest.Populate(t, g.db, "g")
	for _, query := range []string{`DELETE FROM grants`, `DELETE FROM users`} {
		if err := g.db.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func (g *grown) useSQLite(t testing.TB, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	g.ask = func(ctx context.Context, query string, into ...any) error {
		return db.QueryRowContext(ctx, query).Scan(into...)
	}
	g.settle = func(ctx context.Context) error { return g.db.Exec(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`) }
	g.size = func(ctx context.Context) (s size, err error) {
		err = g.ask(ctx, `SELECT sum(CASE WHEN name = 'grants' THEN pgsize END), sum(CASE WHEN name <> 'grants' THEN pgsize END)
			FROM dbstat WHERE name IN (SELECT name FROM sqlite_master WHERE tbl_name = 'grants')`, &s.table, &s.indexes)
		return s, err
	}
	g.indexed = `SELECT group_concat(t || ' (' || columns || ')' ORDER BY t, columns) FROM
		(SELECT m.tbl_name AS t, group_concat(i.name, ' ') AS columns FROM sqlite_master AS m, pragma_index_info(m.name) AS i
		WHERE m.type = 'index' GROUP BY m.name)`
}

func (g *grown) usePostgres(t testing.TB, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	g.ask = func(ctx context.Context, query string, into ...any) error {
		return conn.QueryRow(ctx, query).Scan(into...)
	}
	g.settle = func(ctx context.Context) error {
		_, err := conn.Exec(ctx, `VACUUM grants`)
		return err
	}
	g.postgres = true
	g.indexed = `SELECT string_agg(t || ' (' || columns || ')', ',' ORDER BY t COLLATE "C", columns COLLATE "C") FROM
		(SELECT i.indrelid::regclass::text AS t, string_agg(a.attname, ' ' ORDER BY a.attnum) AS columns
		FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indexrelid
		WHERE i.indrelid IN (SELECT relid FROM pg_stat_user_tables) AND i.indrelid <> 'schema_version'::regclass
		GROUP BY i.indexrelid, i.indrelid) AS indexes`
	g.size = func(ctx context.Context) (s size, err error) {
		err = g.ask(ctx, `SELECT pg_relation_size('grants'), pg_indexes_size('grants')`, &s.table, &s.indexes)
		return s, err
	}
}

// logIn begins n more authorizations, two for each user.
func (g *grown) logIn(t testing.TB, n int) {
	t.Helper()
	now := time.Now().Truncate(time.Millisecond)
	users := g.addUsers(t, (n+1)/2)
	first := len(g.all)
	g.all = append(g.all, make([]store.Rotation, n)...)
	g.eachAtOnce(t, n, func(i int) error {
		a := store.Grant{
			ID: rand.Text(), ClientID: "app", UserID: users[i/2], Scope: []string{"me", "items"}, Generation: 1,
			AuthTime: now, CreatedAt: now, RotatedAt: now, ExpiresAt: now.Add(720 * time.Hour), MaxExpiresAt: now.Add(2160 * time.Hour),
		}
		g.all[first+i] = store.Rotation{
			ID: a.ID, ClientID: a.ClientID, UserID: a.UserID, Generation: 1,
			Now: now, IdleTTL: 720 * time.Hour, Grace: 30 * time.Second, Until: now.Add(time.Hour),
		}
		created, err := g.db.CreateGrant(t.Context(), a, "hash")
		if err == nil && !created {
			err = fmt.Errorf("%s was not created", a.ID)
		}
		return err
	})
}

// addUsers adds users faster than they could sign up.
func (g *grown) addUsers(t testing.TB, n int) (ids []string) {
	t.Helper()
	for len(ids) < n {
		query := ""
		for range min(1000, n-len(ids)) {
			id := rand.Text()
			ids = append(ids, id)
			query += fmt.Sprintf(", ('%s', '%[1]s', '%[1]s', '', '', 'hash', 'null', 1)", id)
		}
		if err := g.db.Exec(t.Context(), `INSERT INTO users (id, username, username_key, email, full_name, password_hash, scopes, created_at) VALUES `+query[1:]); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// refresh refreshes each authorization, times over, in no order.
func (g *grown) refresh(t testing.TB, times int) {
	t.Helper()
	for range times {
		order := mathrand.Perm(len(g.all))
		g.eachAtOnce(t, len(g.all), func(i int) error { return g.rotate(t.Context(), order[i]) })
	}
}

func (g *grown) rotate(ctx context.Context, i int) error {
	in := &g.all[i]
	in.Now = in.Now.Add(time.Minute)
	res, err := g.db.RotateGrant(ctx, *in)
	if err == nil && res.Outcome != store.Rotated {
		err = fmt.Errorf("%s: %v", in.ID, res.Outcome)
	}
	in.Generation++
	return err
}

// eachAtOnce does what do does for 0 to n-1, some at the same time.
func (g *grown) eachAtOnce(t testing.TB, n int, do func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	var next atomic.Int64
	for range g.callers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := do(int(i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// perGrant returns how many rows there are, and the bytes for each authorization.
func (g *grown) perGrant(t testing.TB) (rows int, s size) {
	t.Helper()
	if err := g.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := g.size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := g.ask(t.Context(), `SELECT count(*) FROM grants`, &rows); err != nil {
		t.Fatal(err)
	}
	n := float64(len(g.all))
	return rows, size{s.table / n, s.indexes / n}
}

// onBoth runs a test on an empty database of each kind.
func onBoth(t *testing.T, test func(t *testing.T, g *grown)) {
	t.Run("sqlite", func(t *testing.T) { test(t, growing(t, "sqlite:"+filepath.Join(t.TempDir(), "grantd.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, growing(t, pgtest.URL(t))) })
}

// TestGrowth: an authorization is a row, and takes the room of one, however often it is refreshed.
func TestGrowth(t *testing.T) {
	onBoth(t, func(t *testing.T, g *grown) {
		const logins = 1000
		g.logIn(t, logins)
		var at [11]size
		for _, times := range []int{0, 1, 5, 10} {
			g.refresh(t, times-int(g.all[0].Generation-1))
			rows, s := g.perGrant(t)
			t.Logf("%d refreshes: %.0f bytes of table and %.0f of indexes", times, s.table, s.indexes)
			if rows != logins {
				t.Errorf("%d rows for %d authorizations", rows, logins)
			}
			at[times] = s
		}
		// The first refresh may need some room for the new versions of rows, all others find it.
		if at[1].all() > 1.25*at[0].all() || at[10].all() > 1.1*at[1].all() {
			t.Error("refreshes take room")
		}
	})
}

// TestRefreshesAreHeapOnly: no index of PostgreSQL hears of a refresh.
func TestRefreshesAreHeapOnly(t *testing.T) {
	g := growing(t, pgtest.URL(t))
	g.logIn(t, 1000)
	g.refresh(t, 10)
	updates, hot := g.updates(t)
	t.Logf("%.0f of %.0f updates were heap-only", hot, updates)
	if updates < 10_000 || hot < 0.9*updates {
		t.Errorf("%.0f of %.0f updates were heap-only", hot, updates)
	}
}

// updates closes the database and returns how many updates of grants PostgreSQL has counted, and
// how many were heap-only.
func (g *grown) updates(t testing.TB) (all, hot float64) {
	t.Helper()
	want := 0.0
	for _, in := range g.all {
		want += float64(in.Generation - 1)
	}
	if err := g.db.Close(); err != nil { // each connection tells at its end
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); all < want && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err := g.ask(t.Context(), `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'grants'`, &all, &hot); err != nil {
			t.Fatal(err)
		}
	}
	return all, hot
}

// TestSweepGivesRoomBack: what died is gone, in batches, and the next logins take its place.
func TestSweepGivesRoomBack(t *testing.T) {
	onBoth(t, func(t *testing.T, g *grown) {
		const logins = 1000
		g.logIn(t, logins)
		g.refresh(t, 2)
		_, before := g.perGrant(t)
		for i := range logins / 4 { // one in four is revoked, the others expire
			if _, err := g.db.RevokeGrant(t.Context(), g.all[4*i].ID, g.all[0].Now, g.all[0].Until); err != nil {
				t.Fatal(err)
			}
		}
		in := store.Sweep{Now: g.all[0].Now, Batch: 100, From: rand.Text()}
		if deleted := g.sweep(t, in); deleted != logins/4 {
			t.Errorf("%d deleted of %d revoked", deleted, logins/4)
		}
		in.Now = in.Now.Add(2160 * time.Hour)
		if deleted := g.sweep(t, in); deleted != logins-logins/4+logins/4 { // authorizations, and the revocations
			t.Errorf("%d deleted", deleted)
		}
		if err := g.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.all = nil
		g.logIn(t, logins)
		g.refresh(t, 2)
		rows, after := g.perGrant(t)
		if rows != logins || after.table > 1.3*before.table {
			t.Errorf("%d rows of %.0f bytes, were %.0f", rows, after.table, before.table)
		}
	})
}

// sweep goes through all once and returns how many rows it deleted.
func (g *grown) sweep(t testing.TB, in store.Sweep) (deleted int) {
	t.Helper()
	for {
		swept, err := g.db.Sweep(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if swept.Deleted > in.Batch {
			t.Errorf("%d deleted at once", swept.Deleted)
		}
		deleted += swept.Deleted
		if in.Cursor = swept.Cursor; in.Cursor == "" {
			return deleted
		}
	}
}

// TestSweepPace: batches take about ten milliseconds, and leave most of the time to others.
func TestSweepPace(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name    string
		batch   int // zero: the first
		deleted int
		took    time.Duration
		next    int
		pause   time.Duration
	}{
		{"quick, all alive", 0, 0, 1 * ms, 200, 50 * ms},
		{"slow, all alive", 0, 0, 8 * ms, 100, 72 * ms},
		{"quick, some dead", 200, 1, 1 * ms, 400, 4 * ms},
		{"too slow", 200, 200, 30 * ms, 100, 120 * ms},
		{"at the top", 500, 500, 2 * ms, 500, 8 * ms},
		{"at the bottom", 30, 30, 3000 * ms, 20, 12000 * ms},
	} {
		next, pause := store.Sweep{Batch: c.batch, From: "f"}.Next(store.Swept{Deleted: c.deleted, Cursor: "c"}, c.took)
		if want := (store.Sweep{Batch: c.next, From: "f", Cursor: "c"}); next != want || pause != c.pause {
			t.Errorf("%s: %+v after %v; want %+v after %v", c.name, next, pause, want, c.pause)
		}
	}
}

// TestIndexes: each makes every login dearer, so each is here with what needs it. Nothing that a
// refresh changes is in one.
func TestIndexes(t *testing.T) {
	want := []string{
		"access_lives (id)",
		"audit_chains (chain)",       // each batch of events
		"audit_events (chain seq)",   // each event; listing, verifying, pruning. On SQLite the table itself
		"audit_events (request_id)",  // explaining a request
		"audit_events (subject seq)", // listing those of a user
		"clients (id)",
		"codes (expires_at)",           // sweep
		"codes (id)",                   // redeeming
		"codes (user_id)",              // ending those of a user
		"consents (user_id client_id)", // each time an app asks; listing
		"copies (role)",
		"grants (client_id id)",                  // listing, and ending, those of a client
		"grants (id)",                            // refresh; sweep
		"grants (user_id id)",                    // listing, and ending, those of a user
		"items (user_id id)",                     // listing
		"known_places (seen_at)",                 // sweep; a start of a server
		"known_places (user_id place)",           // login
		"limits (key)",                           // login
		"limits (tat)",                           // sweep
		"revocations (kind id)",                  // asking about one token; revoking again
		"revocations (revoked_at)",               // the poll of each server; sweep
		"sealed_keys (id)",                       // the start of a server; a poll twice a minute
		"session_clients (session_id client_id)", // telling them of the end
		"sessions (cookie)",                      // each request for a page
		"sessions (expires_at)",                  // sweep
		"sessions (id)",                          // ending one
		"sessions (user_id id)",                  // listing
		"signing_keys (first_of)",                // of two keys added as the first, one fails
		"signing_keys (id)",                      // deleting
		"users (email_key)",                      // login
		"users (id)",                             // almost everything
		"users (username_key)",                   // login
	}
	onBoth(t, func(t *testing.T, g *grown) {
		got := ""
		if err := g.ask(t.Context(), g.indexed, &got); err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(slices.Clone(want), func(index string) bool {
			return index == "audit_events (chain seq)" && !g.postgres
		})
		if got := strings.Split(got, ","); !slices.Equal(got, want) {
			t.Errorf("indexes:\n got %q\nwant %q", got, want)
		}
	})
}

// TestIndexesAreUsed lets PostgreSQL count.
func TestIndexesAreUsed(t *testing.T) {
	url := pgtest.URL(t)
	g := growing(t, url)
	g.logIn(t, 100)
	// A few rows are read faster without any index.
	if err := g.db.Exec(t.Context(), `DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET enable_seqscan = off'; END $$`); err != nil {
		t.Fatal(err)
	}
	db := openURL(t, url)
	for _, call := range storetest.Methods(db) {
		call(t.Context()) // a refusal is fine, too
	}
	user := g.all[0].UserID
	if _, err := db.PutSession(t.Context(), store.Session{ID: "s", Cookie: "c", UserID: user, ExpiresAt: time.Now(), MaxExpiresAt: time.Now()}, "hash"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.EndSessions(t.Context(), store.SessionEnd{UserID: user, Now: time.Now(), Until: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []store.GrantFilter{{UserID: g.all[0].UserID}, {ClientID: "other"}, {}} {
		if _, err := db.Grants(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	events := make([]store.Event, 2000) // of few, all are read as quickly
	for i := range events {
		events[i] = store.Event{Type: "request.refused", RequestID: fmt.Sprint(i), Subject: fmt.Sprint(i)}
	}
	if _, err := db.AppendEvents(t.Context(), nil, events); err != nil {
		t.Fatal(err)
	}
	if err := g.db.Exec(t.Context(), `ANALYZE audit_events`); err != nil {
		t.Fatal(err)
	}
	for _, f := range []store.EventFilter{{RequestID: "r"}, {Subject: user}, {Since: time.Now()}} {
		if _, err := db.Events(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	db.Close() // tells the counts
	unused := ""
	defer func() { t.Log("unused:", unused) }()
	eventually(t, func() bool {
		if err := g.ask(t.Context(), `SELECT COALESCE(string_agg(indexrelname, ' ' ORDER BY indexrelname), '')
			FROM pg_stat_user_indexes WHERE idx_scan = 0 AND relname <> 'schema_version'`, &unused); err != nil {
			t.Fatal(err)
		}
		// That one refuses rows, which is no scan; but with sequential scans off, one index is as good
		// as another for reading all keys.
		return unused == "signing_keys_first_of_key" || unused == ""
	})
}
