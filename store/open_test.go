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
		{"postgres://grantd:hunter2@127.0.0.1:x/grantd", "no PostgreSQL URL: a port is not a number; write postgres://USER"},
		{"postgres://grantd:hunter2/grantd", "a port is not a number"},
		{"postgres://grantd:hunter2,127.0.0.1/grantd", "a port is not a number"},
		{"postgres://grantd@localhost,hunter2/grantd?port=1,2,3", "there are not as many ports as hosts"},
		{"postgres://user=grantd password=hunter2 host=127.0.0.1", "there is a space in it"},
		{"postgres://grantd:hunter2%zz@127.0.0.1/grantd", "a % is not followed by two hexadecimal digits"},
		{"postgres://127.0.0.1/grantd?password=a&hunter2", "a character is out of place"},
		{"postgres://[hunter2/grantd", "a character is out of place"},
		{"postgres://127.0.0.1/grantd?connect_timeout=hunter2", "connect_timeout is not a number"},
		{"postgres://127.0.0.1/grantd?target_session_attrs=hunter2", "target_session_attrs is none that is known"},
		{"postgres://127.0.0.1/grantd?sslmode=hunter2", "sslmode is none that is known"},
		{"postgres://127.0.0.1/grantd?sslrootcert=/hunter2&sslmode=verify-full", "the file sslrootcert cannot be read"},
		{"postgres://127.0.0.1/grantd?sslrootcert=/dev/null&sslmode=verify-full", "the file sslrootcert holds no certificate"},
		{"postgres://127.0.0.1/grantd?sslcert=/hunter2&sslmode=verify-full", "sslcert and sslkey belong together"},
		{"postgres://127.0.0.1/grantd?sslcert=/hunter2&sslkey=/hunter2&sslmode=require", "the file sslkey cannot be read"},
		{"postgres://127.0.0.1/grantd?sslcert=/hunter2&sslkey=/dev/null&sslmode=require", "the file sslkey holds no key"},
		{"postgres://127.0.0.1/grantd?service=hunter2&servicefile=/dev/null", "the service is not in the service file"},
		{"postgres://127.0.0.1/grantd?channel_binding=hunter2", "it cannot be read"},
		{"postgres://grantd%3Ahunter2@127.0.0.1:1/grantd?sslmode=disable", "looks like a password"},
		{"postgres://grantd%3Ahunter2/grantd?sslmode=disable", "looks like a password"},
		{"postgres://127.0.0.1,grantd%3Ahunter2/grantd?sslmode=disable", "looks like a password"},
		{"postgres://127.0.0.1:1/grantd?user=grantd;password%3Dhunter2&sslmode=disable", "looks like a password"},
		{"postgres://grantd:1/hunter2@127.0.0.1:1/grantd?sslmode=disable", "looks like a password"},
		{"postgres://grantd@[fe80::1%25none]:1/grantd?sslmode=disable", "PostgreSQL cannot be reached"},
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
