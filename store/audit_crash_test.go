package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// appendForever appends batches of all sizes, and prints the heads of each that was answered.
func appendForever(ctx context.Context, db *store.DB) error {
	for n := 0; ; n++ {
		var events []store.Event
		for i := range 1 + n%70 {
			events = append(events, store.Event{Type: []string{"grant.created", "token.issued"}[i%2], Outcome: "ok", RequestID: fmt.Sprint(n)})
		}
		heads, err := db.AppendEvents(ctx, auditKey, events)
		if err != nil {
			return err
		}
		fmt.Println(heads[0])
	}
}

// A process that dies leaves a chain that fits, with all that was answered.
func TestKilledProcessLeavesAChainThatFits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantd.db")
	if err := migrated(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	for round := range 4 {
		answered := killWhileAppending(t, path, 20+30*round)
		db := open(t, path)
		found, err := db.VerifyEvents(t.Context(), auditKey, []store.Head{answered})
		if err != nil || found[0].Fault != "" || found[1].Fault != "" || found[0].Unsealed+found[1].Unsealed != 0 {
			t.Fatalf("%+v, %v", found, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killWhileAppending returns the last head that was answered.
func killWhileAppending(t *testing.T, path string, after int) (answered store.Head) {
	t.Helper()
	cmd := child(t, "append", path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if answered, err = store.ParseHead(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if n == after {
			cmd.Process.Kill()
		}
	}
	if err := cmd.Wait(); err == nil || answered.Seq == 0 {
		t.Fatalf("was not killed: %v", err)
	}
	return answered
}

// What is asked of a million events is found by an index.
func TestEventsAreFoundByIndexes(t *testing.T) {
	for database, db := range map[string]*store.DB{"SQLite": newSQLite(t), "PostgreSQL": migratedURL(t, pgtest.URL(t))} {
		fillLog(t, db)
		for _, c := range []struct {
			filter store.EventFilter
			index  string
		}{
			{store.EventFilter{RequestID: "r5"}, "audit_events_by_request"},
			{store.EventFilter{Subject: "u5"}, "audit_events_by_subject"},
		} {
			if plan := planOf(t, db, database, c.filter); !strings.Contains(plan, c.index) {
				t.Errorf("%s does not use %s:\n%s", database, c.index, plan)
			}
		}
	}
}

func fillLog(t *testing.T, db *store.DB) {
	t.Helper()
	var events []store.Event
	for i := range 3000 {
		events = append(events, store.Event{Type: "grant.created", RequestID: fmt.Sprint("r", i), Subject: fmt.Sprint("u", i%300)})
	}
	if _, err := db.AppendEvents(t.Context(), auditKey, events); err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(t.Context(), `ANALYZE`); err != nil {
		t.Fatal(err)
	}
	storetest.WantChains(t, db, auditKey, len(events), 0)
}

func planOf(t *testing.T, db *store.DB, database string, f store.EventFilter) string {
	t.Helper()
	conn, err := db.Writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	query, args := store.EventsQuery(f)
	explain := map[string]string{"SQLite": "EXPLAIN QUERY PLAN ", "PostgreSQL": "EXPLAIN "}[database]
	rows, err := conn.QueryContext(t.Context(), explain+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var plan []string
	for rows.Next() {
		into := make([]any, len(columns))
		for i := range into {
			into[i] = new(any)
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, fmt.Sprint(*into[len(into)-1].(*any)))
	}
	return strings.Join(plan, "\n")
}
