package store

import (
	"context"
	"database/sql"
	"errors"
)

// rotateQueued rotates the next group in one transaction, on the one connection that writes.
func rotateQueued(db *DB) {
	turns, err := db.rotateGroup(db.rotations.take)
	switch {
	case err == nil || len(turns) == 1:
		finish(err, turns...)
	case len(turns) == 0: // it did not come to that
		finish(err, db.rotations.take()...)
	default:
		db.rotateEach(turns)
	}
}

// rotateEach gives each of a group that failed a commit of its own. The fault may concern one of
// them alone: a damaged page, a row that nobody can read, a disk with room for some.
func (db *DB) rotateEach(turns []*turn) {
	for _, t := range turns {
		if t.ctx.Err() == nil {
			_, err := db.rotateGroup(func() []*turn { return []*turn{t} })
			finish(err, t)
		}
	}
}

// rotateGroup rotates in one transaction those whom take returns. It asks when the connection is
// its own and not before: many come while it waits. If it fails, nobody was rotated.
func (db *DB) rotateGroup(take func() []*turn) (turns []*turn, err error) {
	defer catch(&err)
	ctx := context.Background() // theirs are looked at by take
	s, err := db.write.stmt(ctx, rotateGrant)
	if err != nil {
		return nil, db.dialect.fault(ctx, err)
	}
	err = db.update(ctx, func(tx *sql.Tx) error {
		turns = take()
		if err := rotateAll(ctx, tx.StmtContext(ctx, s), turns); err != nil {
			return err
		}
		tellEarly(turns)
		return nil
	})
	return turns, err
}

func rotateAll(ctx context.Context, s *sql.Stmt, turns []*turn) error {
	for _, t := range turns {
		t.grant, t.err = t.in.scan(s.QueryRowContext(ctx, t.in.args()...))
		if errors.Is(t.err, sql.ErrNoRows) {
			t.err = ErrNotFound // a refusal, which is no reason to refuse the others
		} else if t.err != nil {
			return t.err
		}
	}
	return nil
}

// tellEarly lets callers do what they have to do anyway while the commit waits for the disk.
func tellEarly(turns []*turn) {
	for _, t := range turns {
		if t.early != nil && t.err == nil {
			select {
			case t.early <- t.grant:
			default: // it was told before: the transaction is tried again
			}
		}
	}
}
