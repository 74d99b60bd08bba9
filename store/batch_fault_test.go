package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/grantd/grantd/store"
)

// Whatever fails while many wait, each of them is told, and nobody of a rotation that is not in
// the database.
func TestFaultsOfAGroup(t *testing.T) {
	for _, f := range []struct{ name, harm, want, heal string }{
		{"read-only", `PRAGMA query_only = 1`, "may not be written; let grantd's user", `PRAGMA query_only = 0`},
		{"full", `CREATE TRIGGER t AFTER UPDATE ON grants BEGIN INSERT INTO revocations VALUES ('x', randomblob(100000), 0, 0); END;
			PRAGMA max_page_count = 1`, "no space is left; free some", `DROP TRIGGER t; PRAGMA max_page_count = 100000`},
		{"behind", `ALTER TABLE grants RENAME TO gone`, "no such table", `ALTER TABLE gone RENAME TO grants`},
	} {
		t.Run(f.name, func(t *testing.T) {
			c := queued(t, 5)
			c.exec(t, f.harm)
			c.goOn(t)
			c.block(t)
			c.exec(t, f.heal)
			c.wantFailed(t, f.want)
			c.again(t)
		})
	}
}

func (c *callers) exec(t *testing.T, query string) {
	t.Helper()
	if _, err := c.writer.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

func (c *callers) wantFailed(t *testing.T, want string) {
	t.Helper()
	for i, p := range c.all {
		c.wantNothing(t, i)
		if p.err == nil || !strings.Contains(p.err.Error(), want) {
			t.Errorf("caller %d: %v; want %q", i, p.err, want)
		}
	}
}

// again lets all call once more, now that nothing is in their way.
func (c *callers) again(t *testing.T) {
	t.Helper()
	for i := range c.all {
		c.call(t, i)
	}
	c.goOn(t)
	for i := range c.all {
		c.wantRotated(t, i)
	}
}

func TestGroupWhileAnotherProcessWrites(t *testing.T) {
	c := queued(t, 5)
	other := open(t, c.path)
	if err := other.Exec(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	c.exec(t, `PRAGMA busy_timeout = 1`)
	c.goOn(t)
	c.wantFailed(t, "another process holds the database; end it")
	for i, p := range c.all {
		if !errors.Is(p.err, store.ErrUnavailable) {
			t.Errorf("caller %d: %v", i, p.err)
		}
	}
	if err := other.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	c.block(t)
	c.again(t)
}

func TestCommitOfAGroupFails(t *testing.T) {
	c := queued(t, 5)
	works := false
	duringNext(t, func() bool { return works })
	c.goOn(t)
	c.wantFailed(t, "constraint failed") // SQLite's words for a commit that was refused
	works = true
	c.block(t)
	c.again(t)
}

func TestClosedWhileManyWait(t *testing.T) {
	c := queued(t, 5)
	if err := c.db.Close(); err != nil {
		t.Fatal(err)
	}
	c.goOn(t)
	for _, p := range c.all {
		wantFault(t, p.err, "it is closed; restart grantd")
	}
}

// One who cannot be served is no harm to the rest of the group.
func TestFaultOfOneInAGroup(t *testing.T) {
	for _, f := range []struct{ name, harm, want string }{
		{"a row that nobody can read", `UPDATE grants SET scope = 'me' WHERE id = 'rotated-2'`, "invalid character"},
		{"a statement that fails", `CREATE TRIGGER t AFTER UPDATE ON grants WHEN new.id = 'rotated-2'
			BEGIN SELECT RAISE(ABORT, 'no'); END`, "no"},
		{"a statement that ends the transaction", `CREATE TRIGGER t AFTER UPDATE ON grants WHEN new.id = 'rotated-2'
			BEGIN SELECT RAISE(ROLLBACK, 'no'); END`, "no"},
		{"more than there is room for", `CREATE TRIGGER t AFTER UPDATE ON grants WHEN new.id = 'rotated-2'
			BEGIN INSERT INTO revocations VALUES ('x', randomblob(100000), 0, 0); END;
			PRAGMA max_page_count = 1`, "no space is left"},
	} {
		t.Run(f.name, func(t *testing.T) {
			c := queued(t, 5)
			c.exec(t, f.harm)
			c.goOn(t)
			for i, p := range c.all {
				if i != 2 {
					c.wantRotated(t, i)
				} else if p.err == nil || !strings.Contains(p.err.Error(), f.want) {
					t.Errorf("the one: %v, %v", p.res.Outcome, p.err)
				}
			}
			c.block(t)
			c.exec(t, `DROP TRIGGER IF EXISTS t; UPDATE grants SET scope = '[]' WHERE scope = 'me'`)
			c.writer.Close()
			c.wantNothing(t, 2)
		})
	}
}

// A bug in one refresh is answered with an error, and the next refresh works.
func TestPanicInAGroup(t *testing.T) {
	c := queued(t, 5)
	heal := c.db.PanicAtFaults()
	c.exec(t, `PRAGMA query_only = 1`)
	c.goOn(t)
	heal()
	c.block(t)
	c.exec(t, `PRAGMA query_only = 0`)
	c.wantFailed(t, "panic")
	c.again(t)
}
