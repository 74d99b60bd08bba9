// Package pgtest gives tests a real PostgreSQL, made for them and thrown away: a database for each
// test, a cluster that may crash, a standby, a PgBouncer in between and a network that fails.
//
// Everything listens on 127.0.0.1 only, asks for a password (SCRAM), and is gone when the test
// process is, even when that was killed. What is missing is a failure and never a skipped test:
// "make tools" installs it.
//
// Databases sort as English does ("a" before "B"), unlike bytes and unlike SQLite, so that a test
// shows where the store relies on an order that it did not ask for.
//
// The files are in the temporary folder. A database takes 30 ms where TMPDIR is in memory, and up to
// ten times that on a disk.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shared is the cluster behind URL.
var shared = sync.OnceValues(func() (*Cluster, error) {
	c, err := create(Options{MaxConnections: 500, NoSync: true})
	if err != nil {
		return nil, err
	}
	return c, c.start()
})

// URL returns the postgres:// URL of a new, empty database, on a cluster that all tests of the test
// binary share, until the test ends. Its user owns the database and is no superuser. The cluster
// does not survive a power cut (fsync is off); a test of durability uses Start.
func URL(t testing.TB) string {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return c.database(t)
}

// Main runs the tests and waits until all servers are gone, for TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// A package can do without, as Stop says.
func Main(m interface{ Run() int }) int {
	defer Stop()
	return m.Run()
}

// database makes a database with a random name that is dropped when t ends.
func (c *Cluster) database(t testing.TB) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	// From template0: nobody can be connected to it, which would make this fail.
	if err := c.exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template0 OWNER "+role); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if c.proc.over() {
			return // stopped or crashed on purpose
		}
		if err := c.exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return c.URL(name)
}

// exec runs a statement as the superuser and scans the row that it returns, if it is asked for.
func (c *Cluster) exec(ctx context.Context, sql string, into ...any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.AdminURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if len(into) == 0 {
		_, err = conn.Exec(ctx, sql)
	} else {
		err = conn.QueryRow(ctx, sql).Scan(into...)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
