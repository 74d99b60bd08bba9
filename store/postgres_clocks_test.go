package store_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// Whatever isolation is the default: what ends a user's authorizations waits for a login under
// way, and ends it too.
func TestPostgresIsolation(t *testing.T) {
	for _, level := range []string{"read%20committed", "repeatable%20read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			url := withParam(pgtest.URL(t), "default_transaction_isolation="+level)
			db := migratedURL(t, url)
			storetest.Populate(t, db, "seed")
			now := time.Now()
			login := loginUnderWay(t, url, now)
			ended := make(chan error, 1)
			go func() {
				_, err := db.DisableUser(t.Context(), "u-john", now, now.Add(time.Hour))
				ended <- err
			}()
			for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
				if err := login.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`).Scan(&waiting); err != nil {
					t.Fatal(err)
				}
			}
			if err := login.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			if g, err := db.Grant(t.Context(), "login"); err != nil || g.RevokedAt.IsZero() {
				t.Errorf("the login of a disabled user goes on: %v, %v", g, err)
			}
		})
	}
}

// loginUnderWay has made an authorization as CreateGrant does, and not committed it.
func loginUnderWay(t *testing.T, url string, now time.Time) *sql.Tx {
	t.Helper()
	side, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { side.Close() })
	tx, err := side.BeginTx(t.Context(), nil)
	if err == nil {
		_, err = tx.Exec(`INSERT INTO grants SELECT 'login', 'app', 'u-john', '["me"]', 1, $1, $1, $1, $2, $2, NULL
			WHERE EXISTS (SELECT 1 FROM users WHERE id = 'u-john' FOR SHARE)`, now.UnixMilli(), now.Add(time.Hour).UnixMilli())
	}
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// After a failover to a machine whose clock is ahead, servers need seconds to notice. A rotation
// that the database dated lies in their future, and its repeat is no theft.
func TestPostgresRepeatByAClockBehind(t *testing.T) {
	db := migratedURL(t, pgtest.URL(t))
	storetest.Populate(t, db, "g")
	for _, behind := range []time.Duration{15 * time.Minute, 50 * time.Second, 3 * time.Second, 0} {
		g, err := db.Grant(t.Context(), "g")
		if err != nil {
			t.Fatal(err)
		}
		in := rotationOf(g)
		in.Now, in.Grace, in.IdleTTL = time.Now().Add(-behind), 30*time.Second, 365*24*time.Hour
		if err := db.Exec(t.Context(), `UPDATE grants SET expires_at = $1, max_expires_at = $1`, in.Now.Add(24*time.Hour).UnixMilli()); err != nil {
			t.Fatal(err)
		}
		for _, want := range []store.Outcome{store.Rotated, store.Repeated} {
			if res, err := db.RotateGrant(t.Context(), in); err != nil || res.Outcome != want {
				t.Errorf("%s behind: %v, %v; want %v", behind, res.Outcome, err, want)
			}
		}
	}
}
