// Package store keeps the state of the authorization server: users, clients, authorizations,
// revocations, signing keys and items.
//
// Each method is one atomic step, and where two callers can race the database decides, in one
// statement. A refusal is a result, a fault is an error: an error that [ErrUnavailable] matches is
// the database's own trouble and worth a retry later, [ErrNotFound] and [*TakenError] are about
// the row.
//
// Nothing here asks a clock: times come in as arguments, are kept to the millisecond and come
// back in UTC. The zero time means never.
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	write   *pool
	read    *pool
	dialect *dialect
}

// Open opens the database that url names, "sqlite:PATH" with a relative or absolute path, and
// makes the file, readable to its owner alone, if there is none. It does not migrate: see
// [DB.Migrate] and [DB.CheckSchema].
func Open(ctx context.Context, url string) (*DB, error) {
	scheme, rest, found := strings.Cut(url, ":")
	if !found {
		// The text is not repeated: it may be a password in the wrong place.
		return nil, errors.New("the database setting names no kind of database; write sqlite:PATH")
	}
	switch scheme {
	case "sqlite":
		return openSQLite(ctx, rest)
	case "postgres", "postgresql":
		return nil, errors.New("this version has SQLite only; set the database to sqlite:PATH")
	}
	return nil, fmt.Errorf("unknown kind of database %q; write sqlite:PATH", scheme)
}

// Close ends all connections. It waits for statements under way.
func (db *DB) Close() error {
	// The writer goes last: only a connection that may write can fold the log into the file.
	return errors.Join(db.read.Close(), db.write.Close())
}

// Ready returns nil if the database can be read and written now and has the schema that this
// program needs. The proof is a commit: a full disk shows at no earlier moment.
func (db *DB) Ready(ctx context.Context) error {
	if err := db.CheckSchema(ctx); err != nil {
		return err
	}
	_, err := db.write.exec(ctx, `UPDATE readiness SET probes = probes + 1`)
	return err
}
