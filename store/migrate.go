package store

import (
	"context"
	"database/sql"
	"embed"
	"io"
	"io/fs"
	"log/slog"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

const schemaTable = "schema_version"

// wantSchema is the version of the last migration in this program.
var wantSchema = sync.OnceValue(func() (want int64) {
	files, _ := fs.Glob(migrationFiles, "migrations/*.sql")
	for _, name := range files {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		version, _ := strconv.ParseInt(number, 10, 64)
		want = max(want, version)
	}
	return want
})

// Migrate brings the schema up to date and returns the versions before and after. Of several
// processes that call it at once one does the work, and all succeed. A schema newer than this
// program knows is a *SchemaError.
func (db *DB) Migrate(ctx context.Context) (from, to int64, err error) {
	from, err = db.schema(ctx)
	if err != nil || from == wantSchema() {
		return from, from, err
	}
	unlock, err := db.dialect.lock(ctx)
	if err != nil {
		return from, from, db.dialect.fault(ctx, err)
	}
	defer unlock()
	return db.migrateLocked(ctx)
}

func (db *DB) migrateLocked(ctx context.Context) (from, to int64, err error) {
	from, err = db.schema(ctx) // again: another process may have been faster
	switch {
	case err != nil:
		return 0, 0, err
	case from > wantSchema():
		return from, from, &SchemaError{Have: from, Want: wantSchema()}
	}
	if err := db.up(ctx); err != nil {
		return from, from, db.dialect.fault(ctx, err)
	}
	return from, wantSchema(), nil
}

func (db *DB) up(ctx context.Context) error {
	// goose tries for seconds to write to a database that it may not write to; this fails at once.
	if err := db.update(ctx, func(*sql.Tx) error { return nil }); err != nil {
		return err
	}
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(db.dialect.goose, db.write.DB, translated{files, db.dialect},
		goose.WithTableName(schemaTable),
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// CheckSchema returns a *SchemaError when the schema is older or newer than this program needs,
// and ErrUnfinishedCopy when what is in it may not be used.
func (db *DB) CheckSchema(ctx context.Context) error {
	have, err := db.schema(ctx)
	if err != nil {
		return err
	}
	if have != wantSchema() {
		return &SchemaError{Have: have, Want: wantSchema()}
	}
	return db.checkCopy(ctx)
}

// schema returns the version of the database, 0 before the first migration.
func (db *DB) schema(ctx context.Context) (int64, error) {
	tables, err := one(ctx, db.check, scanInt, db.dialect.hasTable, schemaTable)
	if err != nil || tables == 0 {
		return 0, err
	}
	return one(ctx, db.check, scanInt, `SELECT COALESCE(MAX(version_id), 0) FROM `+schemaTable)
}

func scanInt(row scanner) (n int64, err error) {
	err = row.Scan(&n)
	return n, err
}

// translated is a folder of migrations in the words of one database.
type translated struct {
	fs.FS
	dialect *dialect
}

type translatedFile struct {
	fs.File
	text io.Reader
}

func (f translatedFile) Read(p []byte) (int, error) { return f.text.Read(p) }

// Open opens a migration, or the folder.
func (t translated) Open(name string) (fs.File, error) {
	f, err := t.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return f, err
	}
	text, err := io.ReadAll(f)
	return translatedFile{f, strings.NewReader(t.dialect.words(string(text)))}, err
}
