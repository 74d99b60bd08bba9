package pgtest_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/grantd/grantd/store/storetest/pgtest"
)

// moment is long for loopback.
const moment = 200 * time.Millisecond

func connect(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func wantBroken(t *testing.T, what string, conn *sql.Conn, broken bool) {
	t.Helper()
	if err := conn.PingContext(t.Context()); (err != nil) != broken {
		t.Errorf("%s: %v", what, err)
	}
}

func TestProxyCuts(t *testing.T) {
	t.Parallel()
	target := pgtest.URL(t)
	n := pgtest.Proxy(t, target)
	db := open(t, n.URL(target))
	first, second := connect(t, db), connect(t, db)
	if !n.CutOne() || n.Connections() != 1 {
		t.Errorf("%d connections, want 1", n.Connections())
	}
	wantBroken(t, "the first when it was cut", first, true)
	wantBroken(t, "the second then", second, false)
	n.Refuse(true)
	wantBroken(t, "the second when new ones are refused", second, false)
	n.Cut()
	wantBroken(t, "the second when all were cut", second, true)
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("a new one while they are refused")
	}
	n.Refuse(false)
	mustExec(t, db, "SELECT 1")
}

func TestProxyFreezes(t *testing.T) {
	t.Parallel()
	target := pgtest.URL(t)
	n := pgtest.Proxy(t, target)
	db := open(t, n.URL(target))
	conn := connect(t, db)
	for name, freeze := range map[string]func(){"all": n.Freeze, "replies": n.FreezeReplies} {
		freeze()
		answers := make(chan error, 2)
		go func() { answers <- conn.PingContext(t.Context()) }()
		go func() { answers <- open(t, n.URL(target)).PingContext(t.Context()) }()
		select {
		case err := <-answers:
			t.Fatalf("an answer while %s freezes: %v", name, err)
		case <-time.After(moment):
		}
		n.Thaw()
		for range cap(answers) {
			if err := <-answers; err != nil {
				t.Errorf("once %s thawed: %v", name, err)
			}
		}
	}
}

func TestProxyLosesAnAnswer(t *testing.T) {
	t.Parallel()
	target := pgtest.URL(t)
	n := pgtest.Proxy(t, target)
	direct := open(t, target)
	mustExec(t, direct, "CREATE TABLE t (n INT)")
	conn := connect(t, open(t, n.URL(target)))
	n.FreezeReplies()
	failed := make(chan error)
	go func() {
		_, err := conn.ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
		failed <- err
	}()
	for value(t, direct, "SELECT count(*) FROM t") == "0" {
		time.Sleep(time.Millisecond)
	}
	n.Cut()
	if err := <-failed; err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("the client of a lost answer: %v", err)
	}
}

func TestProxyDelays(t *testing.T) {
	t.Parallel()
	target := pgtest.URL(t)
	n := pgtest.Proxy(t, target)
	db := open(t, n.URL(target))
	mustExec(t, db, "SELECT 1")
	n.Delay(moment)
	begin := time.Now()
	mustExec(t, db, "SELECT 1")
	if took := time.Since(begin); took < moment {
		t.Errorf("an answer after %v", took)
	}
}
