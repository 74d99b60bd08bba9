package store

import (
	"context"
	"errors"
)

var Fold = fold

// Settings returns settings of the connection that writes.
func (db *DB) Settings(ctx context.Context) (journal string, synchronous, foreignKeys int, err error) {
	err = errors.Join(
		db.write.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&journal),
		db.write.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&synchronous),
		db.write.QueryRowContext(ctx, `PRAGMA foreign_keys`).Scan(&foreignKeys))
	return journal, synchronous, foreignKeys, err
}

// Exec lets tests harm the database.
func (db *DB) Exec(ctx context.Context, query string, args ...any) error {
	_, err := db.write.ExecContext(ctx, query, args...)
	return err
}
