package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// StatementCost tells what the database alone takes for the one statement of a refresh: what no way to call it can avoid. On
// SQLite maxGroup of them share a transaction; on PostgreSQL so many callers do one after the other, each in a round
// trip of its own. It rotates each of in, which should be of authorizations that nobody else uses; one that cannot be
// rotated is an error, since a statement that changes nothing costs less.
func (db *DB) StatementCost(ctx context.Context, callers int, in []Rotation) (each time.Duration, err error) {
	cost := db.costOnSQLite
	if !db.dialect.prepares {
		cost = func(ctx context.Context, in []Rotation) error { return db.costOnPostgres(ctx, callers, in) }
	}
	start := time.Now()
	err = cost(ctx, in)
	return time.Since(start) / time.Duration(max(len(in), 1)), err
}

func (db *DB) costOnSQLite(ctx context.Context, in []Rotation) error {
	s, err := db.write.stmt(ctx, rotateGrant)
	if err != nil {
		return err
	}
	for len(in) > 0 {
		group := in[:min(maxGroup, len(in))]
		in = in[len(group):]
		err := db.update(ctx, func(tx *sql.Tx) error {
			s := tx.StmtContext(ctx, s)
			for _, r := range group {
				rows, err := s.QueryContext(ctx, r.args()...)
				if err != nil {
					return err
				}
				found := rows.Next()
				if err := errors.Join(rows.Close(), rows.Err(), notRotated(found, r)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) costOnPostgres(ctx context.Context, callers int, in []Rotation) error {
	query := db.dialect.words(rotateGrant)
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, callers)
	for range callers {
		wg.Go(func() {
			errs <- db.raw(ctx, func(c *stdlib.Conn) error {
				for n := next.Add(1) - 1; int(n) < len(in); n = next.Add(1) - 1 {
					rows, err := c.Conn().Query(ctx, query, in[n].args()...)
					if err != nil {
						return err
					}
					found := rows.Next()
					rows.Close()
					if err := errors.Join(rows.Err(), notRotated(found, in[n])); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return db.dialect.fault(ctx, err)
		}
	}
	return nil
}

func notRotated(found bool, in Rotation) error {
	if found {
		return nil
	}
	return fmt.Errorf("the authorization %s was not rotated: it is unknown, not live, or was refreshed meanwhile", in.ID)
}

// raw lends a connection to PostgreSQL as its driver has it.
func (db *DB) raw(ctx context.Context, use func(*stdlib.Conn) error) error {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(driverConn any) error { return use(driverConn.(*stdlib.Conn)) })
}
