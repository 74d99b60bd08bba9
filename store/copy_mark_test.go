package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// A copy that lost its lock and is overtaken by another one, writes nothing more.
func TestCopyLosesItsLock(t *testing.T) {
	// An idle limit of the server or of what is on the way to it, or a failover.
	endSession := func(t *testing.T, to *store.DB) {
		if err := to.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("PostgreSQL", func(t *testing.T) {
		testOvertaken(t, func(t *testing.T) string { return pgtest.URL(t) }, endSession)
	})
	path := ""
	removeLock := func(t *testing.T, _ *store.DB) {
		if err := os.Remove(path + ".lock"); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("SQLite", func(t *testing.T) {
		testOvertaken(t, func(t *testing.T) string { path = filepath.Join(t.TempDir(), "copy.db"); return "sqlite:" + path }, removeLock)
	})
}

func copyAll(t *testing.T, from, to *store.DB) {
	t.Helper()
	if _, err := from.CopyTo(t.Context(), to, nil); err != nil {
		t.Fatal(err)
	}
}

// copyAndServe refreshes g and revokes h.
func copyAndServe(t *testing.T, from, to *store.DB) {
	t.Helper()
	copyAll(t, from, to)
	if err := to.Adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	g, err := to.Grant(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	if res, err := to.RotateGrant(t.Context(), rotationOf(g)); err != nil || res.Outcome != store.Rotated {
		t.Fatal(res.Outcome, err)
	}
	if _, err := to.RevokeGrant(t.Context(), "h", time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
}

func testOvertaken(t *testing.T, target func(*testing.T) string, lose func(*testing.T, *store.DB)) {
	begin := func(t *testing.T, from, to *store.DB) { storetest.Interrupt(t, from, to, 1) }
	for name, overtake := range map[string]func(t *testing.T, from, to *store.DB){
		"by one that begins": begin, "by one that ends": copyAll, "by one whose target is served": copyAndServe,
	} {
		for _, table := range []string{"grants", "items"} { // with rows to write, and with none left
			t.Run(name+", at "+table, func(t *testing.T) {
				from, url, overtaken := newSQLite(t), target(t), false
				populateTwo(t, from)
				to := openURL(t, url)
				_, err := from.CopyTo(t.Context(), to, func(at string, _ int) {
					if at == table && !overtaken {
						overtaken = true
						lose(t, to)
						overtake(t, from, openURL(t, url))
					}
				})
				wantOvertaken(t, to, err, name)
			})
		}
	}
}

// populateTwo adds the authorizations g and h.
func populateTwo(t *testing.T, db *store.DB) {
	t.Helper()
	storetest.Populate(t, db, "g")
	g, err := db.Grant(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	g.ID = "h"
	if ok, err := db.CreateGrant(t.Context(), g, ""); err != nil || !ok {
		t.Fatal(ok, err)
	}
}

func wantOvertaken(t *testing.T, to *store.DB, err error, how string) {
	t.Helper()
	const want = "somebody else has copied to it or a server has started on it meanwhile; run it again"
	if err == nil || !strings.HasPrefix(err.Error(), "the target: ") || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v; want %q", err, want)
	}
	if err := to.CheckSchema(t.Context()); errors.Is(err, store.ErrUnfinishedCopy) != (how == "by one that begins") {
		t.Errorf("the target: %v", err)
	}
	if how != "by one whose target is served" {
		return
	}
	g, err := to.Grant(t.Context(), "g")
	h, err2 := to.Grant(t.Context(), "h")
	if err := errors.Join(err, err2); err != nil || g.Generation != 6 || h.RevokedAt.IsZero() {
		t.Errorf("generation %d, revoked at %v, %v: the target went back", g.Generation, h.RevokedAt, err)
	}
}

// Of a copy that begins and a server that starts at once, one has its way.
func TestCopyBeginsWhileAServerStarts(t *testing.T) {
	for name, to := range map[string]*store.DB{"SQLite": newSQLite(t), "PostgreSQL": newPostgres(t)} {
		for range 20 {
			if err := to.Exec(t.Context(), `DELETE FROM copies`); err != nil {
				t.Fatal(err)
			}
			var adopted, began error
			var both sync.WaitGroup
			both.Go(func() { adopted = to.Adopt(t.Context()) })
			both.Go(func() { began = to.BeginCopy(t.Context(), "source") })
			both.Wait()
			if (adopted == nil) == (began == nil) {
				t.Errorf("%s: the server got %v, the copy %v", name, adopted, began)
			}
		}
	}
}

// A server that may not write says so when it is the first one, and has nothing to write after that.
func TestAdoptReadOnly(t *testing.T) {
	for _, served := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "grantd.db")
		db := migrated(t, path)
		if served {
			if err := db.Adopt(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		err := forbidWrites(t, db, path).Adopt(t.Context())
		if served && err != nil {
			t.Error(err)
		} else if !served {
			wantFault(t, err, "the database may not be written; let grantd's user write the file and its folder")
		}
	}
}
