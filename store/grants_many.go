package store

import (
	"context"
	"database/sql"
	"strings"
)

// CreateGrants adds many authorizations in one transaction, for those who fill a database, such as with what another
// server had. It asks less than CreateGrant: that the users and clients are there, and no id is taken. It is quickest when the
// ids and users ascend, since then each index grows at its end.
func (db *DB) CreateGrants(ctx context.Context, all []Grant) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		insert, err := newGrantInsert(ctx, tx, db.dialect.statementRows())
		if err != nil {
			return err
		}
		defer insert.Close()
		for rest := all; len(rest) > 0; rest = rest[min(insert.rows, len(rest)):] {
			if err := insert.add(ctx, rest[:min(insert.rows, len(rest))]); err != nil {
				return err
			}
		}
		return nil
	})
}

// grantInsert adds authorizations, by a statement that is prepared for so many rows.
type grantInsert struct {
	*sql.Stmt
	tx   *sql.Tx
	rows int
}

func newGrantInsert(ctx context.Context, tx *sql.Tx, rows int) (*grantInsert, error) {
	stmt, err := tx.PrepareContext(ctx, insertGrants(rows))
	return &grantInsert{stmt, tx, rows}, err
}

var grantColumnCount = strings.Count(grantColumns, ",") + 1

func insertGrants(rows int) string {
	return `INSERT INTO grants (` + grantColumns + `) VALUES ` + tuples(rows, grantColumnCount)
}

func (s *grantInsert) add(ctx context.Context, some []Grant) (err error) {
	args := make([]any, 0, len(some)*grantColumnCount)
	for _, g := range some {
		args = append(args, g.args("")[:grantColumnCount]...)
	}
	if len(some) == s.rows {
		_, err = s.ExecContext(ctx, args...)
	} else {
		_, err = s.tx.ExecContext(ctx, insertGrants(len(some)), args...)
	}
	return err
}
