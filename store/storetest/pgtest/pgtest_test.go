package pgtest_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/grantd/grantd/store/storetest/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// open connects as the store does.
func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// value returns the one value of a query's one row.
func value(t *testing.T, db *sql.DB, query string) (v string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestURL(t *testing.T) {
	for range 2 { // the table is not in the second one
		db := open(t, pgtest.URL(t))
		mustExec(t, db, "CREATE TABLE t (s TEXT)")
		mustExec(t, db, "INSERT INTO t VALUES ('B'), ('a')")
		want(t, "order", value(t, db, "SELECT string_agg(s, ' ' ORDER BY s) FROM t"), "a B")
		want(t, "superuser", value(t, db, "SELECT current_setting('is_superuser')"), "off")
	}
}

// TestKilled kills a test process, which is this test again.
func TestKilled(t *testing.T) {
	const asked = "PGTEST_BE_KILLED"
	if os.Getenv(asked) != "" {
		fmt.Println(pgtest.URL(t))
		io.Copy(io.Discard, os.Stdin) // until we are killed, or who was to do so is
		return
	}
	t.Parallel()
	victim := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	victim.Env = append(os.Environ(), asked+"=1")
	if _, err := victim.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	victim.Process.Kill()
	victim.Wait()
	if err != nil || !strings.HasPrefix(line, "postgres://") {
		t.Fatalf("%v: %s", err, line)
	}
	db := open(t, strings.TrimSpace(line))
	for deadline := time.Now().Add(10 * time.Second); db.PingContext(t.Context()) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("PostgreSQL outlives the tests by ten seconds")
		}
	}
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Options{MaxConnections: 7, Settings: map[string]string{"work_mem": "5MB"}})
	db := open(t, c.CreateDatabase())
	want(t, "connections", value(t, db, "SHOW max_connections"), "7")
	want(t, "setting", value(t, db, "SHOW work_mem"), "5MB")
	want(t, "fsync", value(t, db, "SHOW fsync"), "on")
	mustExec(t, db, "CREATE TABLE t (n INT)")
	for _, stop := range []func(){
		func() { c.Stop(pgtest.Fast) },
		func() { c.Stop(pgtest.Immediate) },
		c.Kill,
	} {
		mustExec(t, db, "INSERT INTO t VALUES (1)")
		stop()
		if err := db.PingContext(t.Context()); err == nil {
			t.Error("it answers while it is stopped")
		}
		c.Start()
	}
	want(t, "rows", value(t, db, "SELECT count(*) FROM t"), "3")
}

func TestStandby(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Options{NoSync: true})
	url := c.CreateDatabase()
	mustExec(t, open(t, url), "CREATE TABLE t (n INT)")
	n := pgtest.Proxy(t, url)
	s := c.Standby(t, pgtest.StandbyOptions{Synchronous: true, Through: n})
	mustExec(t, open(t, url), "INSERT INTO t VALUES (1)")
	n.Freeze()
	late, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	if _, err := open(t, url).ExecContext(late, "INSERT INTO t VALUES (2)"); err == nil {
		t.Error("a commit that the standby does not know of")
	}
	c.Kill()
	s.Promote()
	db := open(t, s.URL(nameOf(t, url)))
	want(t, "rows", value(t, db, "SELECT count(*) FROM t"), "1")
	mustExec(t, db, "INSERT INTO t VALUES (3)")
}

func nameOf(t *testing.T, url string) string {
	t.Helper()
	c, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return c.Database
}

func TestBouncer(t *testing.T) {
	t.Parallel()
	db := open(t, pgtest.Bouncer(t, pgtest.URL(t), pgtest.BouncerOptions{PoolSize: 2})+"&default_query_exec_mode=exec")
	sessions := map[string]bool{}
	for range 9 {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() // all nine are connected at once
		var pid string
		if err := conn.QueryRowContext(t.Context(), "SELECT pg_backend_pid()::text").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		sessions[pid] = true
	}
	if len(sessions) > 2 {
		t.Errorf("nine clients have %d sessions, want at most 2", len(sessions))
	}
}
