package store

import (
	"context"
	"database/sql"
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

// EventsQuery is what Events asks.
func EventsQuery(f EventFilter) (query string, args []any) {
	where, args := f.conditions()
	return `SELECT seq FROM audit_events WHERE ` + where + ` ORDER BY seq`, args
}

// Exec lets tests harm the database.
func (db *DB) Exec(ctx context.Context, query string, args ...any) error {
	_, err := db.write.ExecContext(ctx, query, args...)
	return err
}

// Writer takes the connection that writes, until it is closed.
func (db *DB) Writer(ctx context.Context) (*sql.Conn, error) { return db.write.Conn(ctx) }

// Queue tells whether somebody rotates, and how many wait.
func (db *DB) Queue() (busy bool, waiting int) {
	db.rotations.mu.Lock()
	defer db.rotations.mu.Unlock()
	return db.rotations.working > 0, len(db.rotations.waiting)
}

// PanicAtFaults makes a bug where faults are put into words, until heal is called.
func (db *DB) PanicAtFaults() (heal func()) {
	explain := db.dialect.explain
	db.dialect.explain = func(err error) string { panic(err) }
	return func() { db.dialect.explain = explain }
}

// Hold lets all who come wait until release is called. Then one leads.
func (db *DB) Hold() (release func()) {
	q := db.rotations
	work := func(n int) {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.working = n
	}
	work(q.most)
	return func() { work(1); go db.lead() }
}

// Transactions is how many of them changed what PostgreSQL has of the authorizations rotated-….
func (db *DB) Transactions(ctx context.Context) (n int64, err error) {
	return one(ctx, db.read, scanInt, `SELECT count(DISTINCT xmin::text) FROM grants WHERE id LIKE 'rotated-%'`)
}

// Waits is how often somebody waited for a connection that may write.
func (db *DB) Waits() int64 { return db.write.Stats().WaitCount }

// InUse is how many connections that may write are busy.
func (db *DB) InUse() int { return db.write.Stats().InUse }

var RenameTo = renameTo
