// Package store keeps the state of the authorization server: users, clients, authorizations,
// revocations, signing keys and items.
//
// Each method is one atomic step, and where two callers can race the database decides, in one
// statement. A refusal is a result, a fault is an error: an error that [ErrUnavailable] matches is
// the database's own trouble and worth a retry later, [ErrNotFound] and [*TakenError] are about
// the row.
//
// Nothing here asks this machine's clock: times come in as arguments, are kept to the millisecond
// and come back in UTC. The zero time means never. PostgreSQL's own clock is asked by [DB.Clock], and
// where a rotation may have been delivered late.
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	write   *pool
	read    *pool
	watch   *pool // for what a server has to know however busy it is: revocations, keys, the time
	probe   *pool // for finding out whether the database can be written
	check   *pool // for reading what schema it has, and whether it may be used
	dialect *dialect

	rotations *queue
}

// DefaultConnections is how many connections to PostgreSQL serve requests, unless [Connections]
// says otherwise.
const DefaultConnections = 10

// Option changes how a database is opened.
type Option func(*options)

type options struct{ connections int }

// Connections sets how many connections to PostgreSQL serve requests at most; two more are for
// watching. Zero or less means DefaultConnections. SQLite takes no notice.
func Connections(n int) Option { return func(o *options) { o.connections = n } }

// Open opens the database that url names: "postgres://…" as libpq and pgx know it, or
// "sqlite:PATH" with a relative or absolute path, a file that it makes, readable to its owner
// alone, if there is none. It does not migrate: see [DB.Migrate] and [DB.CheckSchema].
func Open(ctx context.Context, url string, how ...Option) (*DB, error) {
	var o options
	for _, set := range how {
		set(&o)
	}
	scheme, rest, found := strings.Cut(url, ":")
	if !found {
		// The text is not repeated: it may be a password in the wrong place.
		return nil, errors.New("the database setting names no kind of database; write sqlite:PATH or postgres://…")
	}
	switch scheme {
	case "sqlite":
		return openSQLite(ctx, rest)
	case "postgres", "postgresql":
		if o.connections <= 0 {
			o.connections = DefaultConnections
		}
		return openPostgres(ctx, url, o.connections)
	}
	return nil, fmt.Errorf("unknown kind of database %q; write sqlite:PATH or postgres://…", scheme)
}

// Close ends all connections. It waits for statements under way.
func (db *DB) Close() error {
	// The writer goes last: only a connection that may write can fold the log into the file.
	return errors.Join(db.watch.Close(), db.check.Close(), db.read.Close(), db.write.Close())
}

// Ready returns nil if the database can be read and written now and has the schema that this
// program needs. The proof is a commit: a full disk shows at no earlier moment.
func (db *DB) Ready(ctx context.Context) error {
	if err := db.CheckSchema(ctx); err != nil {
		return err
	}
	_, err := db.probe.exec(ctx, `UPDATE readiness SET probes = probes + 1`)
	return err
}

// Clock returns the time of the database where it has a clock of its own that several servers can
// agree on, and the zero time where it has none.
func (db *DB) Clock(ctx context.Context) (now time.Time, err error) {
	if db.dialect.clock == "" {
		return time.Time{}, nil
	}
	ms, err := one(ctx, db.watch, scanInt, db.dialect.clock)
	return time.UnixMilli(ms).UTC(), err
}
