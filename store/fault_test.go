package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
)

// wantFault wants a fault of the database whose text tells the remedy.
func wantFault(t *testing.T, err error, remedy string) {
	t.Helper()
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), remedy) {
		t.Errorf("got %v; want ErrUnavailable and %q", err, remedy)
	}
}

func openFault(t *testing.T, path, remedy string) {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+path)
	if err == nil {
		db.Close()
	}
	wantFault(t, err, remedy)
}

func TestOpenFaults(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "grantd.yaml")
	if err := os.WriteFile(text, bytes.Repeat([]byte("issuer: x\n"), 500), 0o600); err != nil {
		t.Fatal(err)
	}
	openFault(t, text, "the file is no SQLite database; correct the path")
	openFault(t, filepath.Join(dir, "missing", "grantd.db"), "check that its folder exists")
	openFault(t, dir, "check that it is a file")
}

func TestReopenKeepsData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantd.db")
	db := migrated(t, path)
	storetest.Populate(t, db, "g")
	before, err := db.Grant(t.Context(), "g")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	db = open(t, path)
	if err := db.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if after, err := db.Grant(t.Context(), "g"); err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("after: %v, %v\nbefore: %v", after, err, before)
	}
}

func TestTwoHandles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantd.db")
	a, b := migrated(t, path), open(t, path)
	storetest.Populate(t, a, "g")
	storetest.RaceRotate(t, "g", a, b)
	storetest.RaceItems(t, a, b)
	storetest.RaceTake(t, a, b)
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantd.db")
	db := forbidWrites(t, open(t, path), path)
	_, _, err := db.Migrate(t.Context())
	wantFault(t, err, "may not be written; let grantd's user write the file and its folder")

	path = filepath.Join(t.TempDir(), "grantd.db")
	db = migrated(t, path)
	storetest.Populate(t, db, "g")
	db = forbidWrites(t, db, path)
	wantFault(t, db.Ready(t.Context()), "may not be written")
	_, err = db.RevokeGrant(t.Context(), "g", time.Now(), time.Now())
	wantFault(t, err, "may not be written")
	if _, err := db.Grant(t.Context(), "g"); err != nil {
		t.Errorf("reading: %v", err)
	}
}

// forbidWrites makes the file read-only. No file is read-only to root, whose connection is told.
func forbidWrites(t *testing.T, db *store.DB, path string) *store.DB {
	t.Helper()
	if err := errors.Join(db.Close(), os.Chmod(path, 0o400)); err != nil {
		t.Fatal(err)
	}
	db = open(t, path)
	if os.Geteuid() == 0 {
		if err := db.Exec(t.Context(), `PRAGMA query_only = 1`); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantd.db")
	holder, db := migrated(t, path), open(t, path)
	storetest.Populate(t, holder, "g")
	if err := holder.Exec(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := db.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("out of time: %v", err)
	}
	if err := db.Exec(t.Context(), `PRAGMA busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	wantFault(t, db.Ready(t.Context()), "another process holds the database")
	if _, err := db.Grant(t.Context(), "g"); err != nil {
		t.Errorf("reading meanwhile: %v", err)
	}
	if err := errors.Join(holder.Exec(t.Context(), `ROLLBACK`), db.Ready(t.Context())); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantd.db")
	db := migrated(t, path)
	storetest.Populate(t, db, "g")
	if err := db.Exec(t.Context(), `PRAGMA max_page_count = 1`); err != nil { // means: no more than now
		t.Fatal(err)
	}
	added, err := 0, error(nil)
	for err == nil {
		err = db.RevokeToken(t.Context(), fmt.Sprintf("jti-%050d", added), time.Now(), time.Now().Add(time.Hour))
		added++
	}
	wantFault(t, err, "no space is left; free some")
	if strings.Contains(err.Error(), "jti-") {
		t.Errorf("%v tells a value", err)
	}
	// Refreshes need no more room than there is, and what was answered stays.
	g, err := db.Grant(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	if res, err := db.RotateGrant(t.Context(), rotationOf(g)); err != nil || res.Outcome != store.Rotated {
		t.Errorf("rotate on a full disk: %v, %v", res.Outcome, err)
	}
	if err := db.Exec(t.Context(), `PRAGMA max_page_count = 100000`); err != nil {
		t.Fatal(err)
	}
	if err := db.Ready(t.Context()); err != nil {
		t.Errorf("with space again: %v", err)
	}
	if feed, err := db.Revocations(t.Context(), time.Time{}, time.Now()); err != nil || len(feed) != added-1 {
		t.Errorf("%d revocations, %v; want %d", len(feed), err, added-1)
	}
}

func TestCorrupt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantd.db")
	db := migrated(t, path)
	storetest.Populate(t, db, "g")
	damage(t, db, path, func(page []byte) { copy(page, bytes.Repeat([]byte{0xa5}, len(page))) })
	db = open(t, path)
	wantFault(t, db.CheckSchema(t.Context()), "the file is damaged; restore it from a backup")
	for name, call := range storetest.Methods(db) {
		if err := call(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// damage closes db and changes the pages of all its tables and indexes, which have one each. That
// there are tables can still be read, so that it opens.
func damage(t *testing.T, db *store.DB, path string, change func(page []byte)) {
	t.Helper()
	roots, err := db.RootPages(t.Context())
	if err != nil || len(roots) == 0 {
		t.Fatal(roots, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const size = 4096
	for _, n := range roots {
		change(file[(n-1)*size : n*size])
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}
