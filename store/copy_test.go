package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

func newSQLite(t *testing.T) *store.DB { return migrated(t, filepath.Join(t.TempDir(), "grantd.db")) }

func newPostgres(t *testing.T) *store.DB { return migratedURL(t, pgtest.URL(t)) }

func TestCopy(t *testing.T) {
	type open = func(*testing.T) *store.DB
	toSQLite := func(t *testing.T) *store.DB { return openURL(t, "sqlite:"+filepath.Join(t.TempDir(), "copy.db")) }
	fromPostgres := func(t *testing.T) open {
		urls, n := []string{pgtest.URL(t), pgtest.URL(t)}, 0 // a case has two sources at most
		return func(t *testing.T) *store.DB { n++; return emptied(t, urls[n%2]) }
	}
	toPostgres := func(t *testing.T) open {
		url := pgtest.URL(t)
		return func(t *testing.T) *store.DB { return blank(t, url) }
	}
	t.Run("SQLite to SQLite", func(t *testing.T) { storetest.RunCopy(t, newSQLite, toSQLite) })
	t.Run("SQLite to PostgreSQL", func(t *testing.T) { storetest.RunCopy(t, newSQLite, toPostgres(t)) })
	t.Run("PostgreSQL to SQLite", func(t *testing.T) { storetest.RunCopy(t, fromPostgres(t), toSQLite) })
	t.Run("PostgreSQL to PostgreSQL", func(t *testing.T) { storetest.RunCopy(t, fromPostgres(t), toPostgres(t)) })
}

// blank makes a database as it was before the first migration.
func blank(t *testing.T, url string) *store.DB {
	t.Helper()
	db := openURL(t, url)
	if err := db.Exec(t.Context(), `DROP SCHEMA public CASCADE; CREATE SCHEMA public`); err != nil {
		t.Fatal(err)
	}
	return db
}

// A table that a migration adds is copied, or is named among those that are not.
func TestCopyKnowsTheSchema(t *testing.T) {
	db, ctx := newSQLite(t), t.Context()
	tables, order, not := store.Copied()
	found, err := db.Tables(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if all := slices.Sorted(slices.Values(append(slices.Clone(order), not...))); !slices.Equal(all, found) {
		t.Errorf("copied or not are %v\nthe schema has     %v\nadd to copied or notCopied in copy_tables.go", all, found)
	}
	for i, name := range order {
		columns, err := db.Columns(ctx, name)
		if err != nil || sortedColumns(tables[name]) != sortedColumns(columns) {
			t.Errorf("%s has the columns %s, %v\nthe copy takes %s", name, columns, err, tables[name])
		}
		types, err := db.Types(ctx, name)
		if err != nil || slices.ContainsFunc(types, func(t string) bool { return t != "BIGINT" && t != "TEXT" && t != "BYTEA" }) {
			t.Errorf("%s has columns of the types %v, %v; the copy knows BIGINT, TEXT and BYTEA", name, types, err)
		}
		refers, err := db.References(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range refers {
			if !slices.Contains(order[:i], to) {
				t.Errorf("%s refers to %s and comes before it", name, to)
			}
		}
	}
}

// sortedColumns leaves the key, in parentheses, in order, and sorts the columns behind it.
func sortedColumns(s string) string {
	key, columns, _ := strings.Cut(s, ") ")
	return key + ") " + strings.Join(slices.Sorted(slices.Values(strings.Split(columns, ", "))), ", ")
}

// Several batches of keys that other rules than those of bytes would sort otherwise.
func TestCopyManyRows(t *testing.T) {
	ctx, from := t.Context(), newSQLite(t)
	var rows [][]any
	for i := range 3500 {
		key := fmt.Sprintf("%c%d", []rune("aAzZ-_ éÉß~\U0001F600")[i%12], i*7919%3500)
		rows = append(rows, []any{[]string{"token", "Token", "grant"}[i%3], key, int64(i), int64(1) << (i % 63)})
	}
	if err := from.Fill(ctx, "revocations", rows); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]*store.DB{"SQLite": newSQLite(t), "PostgreSQL": newPostgres(t)} {
		interrupted := 0
		for copied := false; !copied; interrupted++ {
			copied = !storetest.Interrupt(t, from, to, interrupted)
		}
		if interrupted < 5 {
			t.Errorf("%s: interrupted %d times only", name, interrupted)
		}
		// Rows that are gone, changed and new in the midst of each batch.
		for _, change := range []string{
			`DELETE FROM revocations WHERE revoked_at % 3 = 0`,
			`UPDATE revocations SET expires_at = expires_at + 1 WHERE revoked_at % 3 = 1`,
			`INSERT INTO revocations (kind, id, revoked_at, expires_at) SELECT 'client', id, revoked_at, 0 FROM revocations WHERE revoked_at % 4 = 1`,
		} {
			if err := from.Exec(ctx, change); err != nil {
				t.Fatal(err)
			}
		}
		tables, err := from.CopyTo(ctx, to, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, c := range tables {
			if !c.Equal() || c.Name == "revocations" && (c.Removed < 1000 || c.Written < 1000) {
				t.Errorf("%s: %+v", name, c)
			}
		}
		if err := from.Exec(ctx, `DELETE FROM revocations`); err != nil {
			t.Fatal(err)
		}
		if err := from.Fill(ctx, "revocations", rows); err != nil {
			t.Fatal(err)
		}
	}
}

// SQLite takes texts that PostgreSQL does not.
func TestCopyUnstorable(t *testing.T) {
	from, to := newSQLite(t), newPostgres(t)
	u := store.User{ID: "u", Username: "zero\x00byte"}
	if err := from.CreateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	_, err := from.CopyTo(t.Context(), to, nil)
	if err == nil || !strings.Contains(err.Error(), `the target: write users: username of the row ["u"] holds a zero byte`) {
		t.Errorf("got %v", err)
	}
}

// What is in a target of an older schema may be somebody else's. An empty one is as good as new: the
// first migration of a copy may have been interrupted.
func TestCopyToOlderSchema(t *testing.T) {
	ctx, from, to := t.Context(), newSQLite(t), newSQLite(t)
	storetest.Populate(t, to, "g")
	harms := []string{`DELETE FROM schema_version WHERE version_id > 1`}
	for _, table := range []string{"known_places", "limits", "audit_events", "audit_chains", "copies", "access_lives", "codes", "consents", "session_clients", "sessions", "sealed_keys"} {
		harms = append(harms, `DROP TABLE `+table)
	}
	for table, columns := range map[string]string{
		"clients": "kind first_party pkce_optional required_scopes origins logout_uris backchannel_uri id_token_alg old_secret_hash old_secret_until",
		"grants":  "session_id audience claims used_from",
	} {
		for _, column := range strings.Fields(columns) {
			harms = append(harms, `ALTER TABLE `+table+` DROP COLUMN `+column)
		}
	}
	for _, harm := range harms {
		if err := to.Exec(ctx, harm); err != nil {
			t.Fatal(err)
		}
	}
	_, err := from.CopyTo(ctx, to, nil)
	if want := "the target: the database is at schema 1"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v; want %q", err, want)
	}
	if err := errors.Join(to.Exec(ctx, `DELETE FROM users`), to.Exec(ctx, `DELETE FROM clients`)); err != nil {
		t.Fatal(err)
	}
	if _, err := from.CopyTo(ctx, to, nil); err != nil {
		t.Error(err)
	}
}

// Whenever the network breaks, the copy goes on where it was.
func TestCopyThroughBreaks(t *testing.T) {
	from, url := newSQLite(t), pgtest.URL(t)
	var rows [][]any
	for i := range 4500 {
		rows = append(rows, []any{"token", fmt.Sprint(i), i, i})
	}
	if err := from.Fill(t.Context(), "revocations", rows); err != nil {
		t.Fatal(err)
	}
	network := pgtest.Proxy(t, url)
	to := openURL(t, network.URL(url))
	broke, done := 0, false
	for cut := 0; !done; cut++ {
		step := 0
		tables, err := from.CopyTo(t.Context(), to, func(string, int) {
			if step++; step == cut {
				network.Cut()
			}
		})
		done = step < cut
		switch {
		case err == nil && slices.ContainsFunc(tables, func(c store.CopiedTable) bool { return !c.Equal() }):
			t.Errorf("cut at step %d: %+v", cut, tables)
		case errors.Is(err, store.ErrUnavailable) && !done:
			broke++
		case err != nil:
			t.Fatalf("cut at step %d: %v", cut, err)
		}
	}
	if broke == 0 {
		t.Error("no copy noticed")
	}
}
