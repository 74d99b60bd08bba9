package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// migrationLock is any number that nobody else takes.
const migrationLock = 0x6772616e7464 // "grantd"

// lockPostgres holds a lock in a transaction of its own: the lock of a session would not survive
// a pooler, and goose needs the other connections. Who waits holds no connection meanwhile, or ten
// that wait could use up those of a pooler and starve the one who migrates.
func lockPostgres(ctx context.Context, cfg *pgx.ConnConfig) (unlock func() error, err error) {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	closing := func() error { return conn.Close(context.WithoutCancel(ctx)) } // ends the transaction
	for {
		locked, err := tryLockPostgres(ctx, conn)
		if err != nil {
			return nil, errors.Join(err, closing())
		}
		if locked {
			return closing, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), closing())
		case <-time.After(rand.N(200 * time.Millisecond)):
		}
	}
}

// tryLockPostgres leaves the transaction open that holds the lock.
func tryLockPostgres(ctx context.Context, conn *pgx.Conn) (locked bool, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return false, err
	}
	var readOnly bool
	err = tx.QueryRow(ctx, `SELECT current_setting('transaction_read_only') = 'on', pg_try_advisory_xact_lock($1)`,
		int64(migrationLock)).Scan(&readOnly, &locked)
	if err == nil && readOnly { // goose would try for seconds
		err = &pgconn.PgError{Code: "25006", Message: "the server is read-only"}
	}
	if err != nil || !locked {
		return false, errors.Join(err, tx.Rollback(ctx))
	}
	return true, nil
}
