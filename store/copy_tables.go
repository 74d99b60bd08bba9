package store

import (
	"fmt"
	"strings"
)

// table is a table as a copy sees it: BIGINT, TEXT and BYTEA columns, and a primary key of TEXT and BIGINT.
type table struct {
	name    string
	keys    int      // how many of the columns, the first ones, are the primary key
	columns []string // all of them
}

// copyBatch is how many rows are read at once, or written in one transaction.
const copyBatch = 1000

// statementRows is how many rows go into one statement, each with a parameter per column.
func (d *dialect) statementRows() int {
	if d.prepares {
		return 5 // SQLite looks up each parameter among all, and there is no way to a server to save
	}
	return copyBatch
}

// copied are the tables with the state of the server, each behind those that it refers to. A test
// compares them with the schema.
var copied = []table{
	newTable("users", 1, userColumns+", username_key, email_key"),
	newTable("clients", 1, clientColumns),
	newTable("grants", 1, grantColumns),
	newTable("revocations", 2, "kind, id, revoked_at, expires_at"),
	newTable("signing_keys", 1, "id, alg, first_of, public, sealed, created_at, sign_from"),
	newTable("sealed_keys", 1, sealedColumns),
	newTable("access_lives", 1, "id, ttl, used_until"), // tokens from before the move are still out
	newTable("sessions", 1, sessionColumns),
	newTable("session_clients", 2, "session_id, client_id"),
	newTable("consents", 2, consentColumns),
	newTable("codes", 1, codeColumns),
	newTable("audit_chains", 1, chainColumns),
	newTable("audit_events", 2, eventColumns),
	newTable("limits", 1, "key, tat"), // who was guessing goes on with what they have left
	newTable("known_places", 2, "user_id, place, seen_at"),
	newTable("items", 2, "user_id, id, created_at"),
}

// notCopied are the tables that belong to one database.
var notCopied = []string{schemaTable, "readiness", "copies"}

func newTable(name string, keys int, columns string) table {
	return table{name: name, keys: keys, columns: strings.Split(columns, ", ")}
}

func (t table) key() string { return strings.Join(t.columns[:t.keys], ", ") }

// selectRange reads the first columns of the next rows in the order of the key, from the start or
// behind a key.
func (t table) selectRange(columns int, behind bool) string {
	where := ""
	if behind {
		where = "WHERE (" + t.key() + ") > " + tuples(1, t.keys)
	}
	return fmt.Sprintf(`SELECT %s FROM %s %s ORDER BY %s LIMIT %d`,
		strings.Join(t.columns[:columns], ", "), t.name, where, t.key(), copyBatch)
}

// upsert writes that many rows.
func (t table) upsert(rows int) string {
	var set []string
	for _, c := range t.columns[t.keys:] {
		set = append(set, c+" = excluded."+c)
	}
	action := "NOTHING" // all is in the key
	if len(set) > 0 {
		action = "UPDATE SET " + strings.Join(set, ", ")
	}
	return fmt.Sprintf(`INSERT INTO %s (%s) VALUES %s ON CONFLICT (%s) DO %s`, t.name,
		strings.Join(t.columns, ", "), tuples(rows, len(t.columns)), t.key(), action)
}

// remove deletes the rows of that many keys.
func (t table) remove(rows int) string {
	return fmt.Sprintf(`DELETE FROM %s WHERE (%s) IN (VALUES %s)`, t.name, t.key(), tuples(rows, t.keys))
}

// tuples is ($1, $2), ($3, $4), … for that many rows.
func tuples(rows, columns int) string {
	var b strings.Builder
	for n := range rows * columns {
		switch {
		case n == 0:
			b.WriteString("(")
		case n%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", n+1)
	}
	return b.String() + ")"
}
