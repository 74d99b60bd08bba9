package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantd/grantd/store"
)

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"", "write sqlite:PATH"},
		{"hunter2", "write sqlite:PATH"},
		{"sqlite:", "write sqlite:PATH"},
		{"sqlite::memory:", "with the path of a file"},
		{"sqlite:///var/lib/grantd.db", "sqlite:/PATH"},
		{"sqlite:a\x00b", "zero byte"},
		{"postgres://grantd:hunter2@127.0.0.1:1/grantd?sslmode=disable", "PostgreSQL cannot be reached; start it, or correct the database setting"},
		{"postgres://grantd:hunter2@127.0.0.1:x/grantd", "is no PostgreSQL URL"},
		{"postgres://grantd:hunter2@ex ample/grantd?sslmode=hunter2", "is no PostgreSQL URL"},
		{"postgres://grantd:hunter2@localhost/grantd?sslmode=bad", "percent-encoded"},
		{"mysql://grantd:hunter2@localhost", `unknown kind of database "mysql"; write sqlite:PATH`},
	} {
		_, err := store.Open(t.Context(), c.url)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v; want %q", c.url, err, c.want)
		}
	}
}

func TestOpenPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{
		"relative.db", "./a b.db", "what?.db", "100%.db", "a%41.db", "x#y&mode=memory.db", "a:b.db", "ü.db",
		filepath.Join(t.TempDir(), "absolute?mode=ro.db"),
	} {
		db := migrated(t, path)
		if err := db.Ready(t.Context()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, name := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
			if info, err := os.Stat(name); err != nil {
				t.Error(err)
			} else if info.Mode() != 0o600 {
				t.Errorf("%s has mode %v: it must be its owner's secret", name, info.Mode())
			}
		}
	}
}

func TestCloseLeavesOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantd.db")
	db := migrated(t, path)
	if err := errors.Join(db.Ready(t.Context()), db.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	if logs, _ := filepath.Glob(path + "-*"); logs != nil {
		t.Errorf("left behind: %v", logs) // a copy of the file alone would be a bad backup
	}
}
