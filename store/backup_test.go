package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
)

// wantOnly wants no files but those in dir.
func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, e := range entries {
		found = append(found, e.Name())
	}
	if fmt.Sprint(found) != fmt.Sprint(names) {
		t.Errorf("the folder has %v; want %v", found, names)
	}
}

// Each rotation is in the backup whole or not at all, with all before it.
func TestBackupWhileWritten(t *testing.T) {
	db, dir := newSQLite(t), t.TempDir()
	storetest.Populate(t, db, "g")
	if err := db.Exec(t.Context(), `UPDATE grants SET max_expires_at = $1`, int64(1)<<60); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	rotated := make(chan int64, 1)
	go func() {
		g, err := db.Grant(t.Context(), "g")
		for ; err == nil && ctx.Err() == nil; g.Generation++ {
			_, err = db.RotateGrant(t.Context(), rotationOf(g))
		}
		rotated <- g.Generation
	}()
	last := int64(0)
	for i := range 10 {
		path := filepath.Join(dir, fmt.Sprintf("%d it's.db", i))
		made, err := db.Backup(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 || info.Size() != made.Bytes || made.Schema != store.WantSchema() {
			t.Errorf("%v, %v; said %+v", info, err, made)
		}
		backup := open(t, path)
		g, err := backup.Grant(t.Context(), "g")
		if err := errors.Join(err, backup.Ready(t.Context()), backup.Close()); err != nil || g.Generation < last {
			t.Errorf("generation %d after %d, %v", g.Generation, last, err)
		}
		last = g.Generation
	}
	stop()
	if end := <-rotated; last < 6 || last > end {
		t.Errorf("the last backup has generation %d of %d", last, end)
	}
}

func TestBackupRefuses(t *testing.T) {
	db, dir := newSQLite(t), t.TempDir()
	path := filepath.Join(dir, "there.db")
	if err := os.WriteFile(path, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link.db")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{path, "there.db exists; name a new file"},
		{filepath.Join(dir, "link.db"), "link.db exists; name a new file"},
		{filepath.Join(dir, "no", "backup.db"), "check that its folder exists"},
	} {
		if _, err := db.Backup(t.Context(), c.path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
	wantOnly(t, dir, "link.db", "there.db")
	if _, err := newPostgres(t).Backup(t.Context(), filepath.Join(dir, "pg.db")); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("PostgreSQL: %v", err)
	}
}

// Nothing stays of a backup that did not come to its end.
func TestBackupInterrupted(t *testing.T) {
	db, dir := newSQLite(t), t.TempDir()
	var rows [][]any
	for i := range 20_000 {
		rows = append(rows, []any{"token", fmt.Sprintf("%0100d", i), i, i})
	}
	if err := db.Fill(t.Context(), "revocations", rows); err != nil {
		t.Fatal(err)
	}
	for after := time.Duration(0); after < 10*time.Millisecond; after += time.Millisecond {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		_, err := db.Backup(ctx, filepath.Join(dir, "backup.db"))
		cancel()
		if err == nil && after > 0 {
			break // so fast is this machine
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", after, err)
		}
		wantOnly(t, dir)
	}
}

// A damaged database leaves no backup that somebody would rely on.
func TestBackupOfDamaged(t *testing.T) {
	path, dir := filepath.Join(t.TempDir(), "grantd.db"), t.TempDir()
	db := migrated(t, path)
	storetest.Populate(t, db, "g")
	damage(t, db, path, func(page []byte) {
		for i := 0; i < len(page); i += 7 {
			page[i] ^= 0x5a
		}
	})
	_, err := open(t, path).Backup(t.Context(), filepath.Join(dir, "backup.db"))
	wantFault(t, err, "the file is damaged; restore it from a backup")
	wantOnly(t, dir)
}

// On a file system without links, too, one of all who name the same file gets the name.
func TestRenameReplacesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backup.db")
	won := make([]error, 50)
	var wg sync.WaitGroup
	for i := range won {
		partial := fmt.Sprint(path, ".partial-", i)
		if err := os.WriteFile(partial, []byte(strconv.Itoa(i)), 0o600); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { won[i] = store.RenameTo(partial, path) })
	}
	wg.Wait()
	winner := slices.Index(won, nil)
	for i, err := range won {
		if i != winner && !errors.Is(err, fs.ErrExist) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if text, err := os.ReadFile(path); winner < 0 || err != nil || string(text) != strconv.Itoa(winner) {
		t.Errorf("%d won, the file holds %q, %v", winner, text, err)
	}
}
