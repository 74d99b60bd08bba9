package store

import (
	"context"
	"database/sql"
	"strings"
)

// grantsAtOnce is how many rows one statement adds: databases take a bounded number of arguments.
const grantsAtOnce = 500

// CreateGrants adds many authorizations in one transaction, for those who fill a database, such as with what another
// server had. It asks less than CreateGrant: that the users and clients are there, and no id is taken.
func (db *DB) CreateGrants(ctx context.Context, all []Grant) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		for rest := all; len(rest) > 0; rest = rest[min(grantsAtOnce, len(rest)):] {
			if err := insertGrants(ctx, tx, rest[:min(grantsAtOnce, len(rest))]); err != nil {
				return err
			}
		}
		return nil
	})
}

func insertGrants(ctx context.Context, tx *sql.Tx, some []Grant) error {
	columns := strings.Count(grantColumns, ",") + 1
	args := make([]any, 0, len(some)*columns)
	for _, g := range some {
		args = append(args, g.args("")[:columns]...)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO grants (`+grantColumns+`) VALUES `+tuples(len(some), columns), args...)
	return err
}
