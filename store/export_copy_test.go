package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

var WantSchema = wantSchema

// Copied are the columns of each table that is copied, with those of the key in parentheses, and
// the tables that are not.
func Copied() (tables map[string]string, order, not []string) {
	tables = map[string]string{}
	for _, t := range copied {
		tables[t.name] = "(" + t.key() + ") " + strings.Join(t.columns, ", ")
		order = append(order, t.name)
	}
	return tables, order, notCopied
}

// Fill writes rows into a table, whatever the mark says.
func (db *DB) Fill(ctx context.Context, name string, rows [][]any) error {
	i := slices.IndexFunc(copied, func(t table) bool { return t.name == name })
	b := batch{to: db, table: copied[i], columns: len(copied[i].columns), statement: copied[i].upsert}
	for _, r := range rows {
		b.rows = append(b.rows, r)
	}
	return db.update(ctx, func(tx *sql.Tx) error { return b.write(ctx, tx) })
}

// Columns returns the names of the columns of a table, with those of the key in parentheses before
// them, as SQLite has them.
func (db *DB) Columns(ctx context.Context, name string) (string, error) {
	return one(ctx, db.read, scanText, `SELECT
		'(' || (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk)) || ') ' ||
		(SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_info($1) ORDER BY cid))`, name)
}

// Tables returns the names of all tables, as SQLite has them.
func (db *DB) Tables(ctx context.Context) ([]string, error) {
	return list(ctx, db.read, scanText, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
}

// Types returns the types of all columns of a table, and References the tables that it refers to.
func (db *DB) Types(ctx context.Context, name string) ([]string, error) {
	return list(ctx, db.read, scanText, `SELECT DISTINCT type FROM pragma_table_info($1) ORDER BY type`, name)
}

func (db *DB) References(ctx context.Context, name string) ([]string, error) {
	return list(ctx, db.read, scanText, `SELECT DISTINCT "table" FROM pragma_foreign_key_list($1) ORDER BY 1`, name)
}

// BeginCopy is a copy that begins without a lock.
func (db *DB) BeginCopy(ctx context.Context, source string) error {
	_, err := db.beginCopy(ctx, source)
	return err
}

// RootPages returns the numbers of the first pages of all tables and indexes, as SQLite has them.
func (db *DB) RootPages(ctx context.Context) ([]int64, error) {
	return list(ctx, db.read, scanInt, `SELECT rootpage FROM sqlite_master WHERE rootpage > 0`)
}
