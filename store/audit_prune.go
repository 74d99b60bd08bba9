package store

import (
	"cmp"
	"context"
	"database/sql"
	"time"
)

// PruneEvents deletes the oldest events of a chain, those before a time and limit of them at most, and returns how many it deleted. The
// chain stays verifiable: its new front is sealed with the key.
func (db *DB) PruneEvents(ctx context.Context, key []byte, chain string, before time.Time, limit int) (deleted int, err error) {
	c, err := db.chain(ctx, chain)
	if err != nil {
		return 0, err
	}
	if front, err := db.frontBehind(ctx, c, before, limit); err != nil || front.firstSeq == c.firstSeq {
		return 0, err // mostly there is nothing to delete, and nobody is to wait for that
	}
	err = db.update(ctx, func(tx *sql.Tx) error {
		deleted, err = db.prune(ctx, tx, key, chain, before, limit)
		return err
	})
	return deleted, err
}

func (db *DB) prune(ctx context.Context, tx *sql.Tx, key []byte, chain string, before time.Time, limit int) (deleted int, err error) {
	c, err := db.lockChain(ctx, tx, chain)
	if err != nil {
		return 0, err
	}
	rows, err := tx.QueryContext(ctx, frontEvents, chain, c.firstSeq, limit)
	if err != nil {
		return 0, err
	}
	front, err := behindFront(c, rows, before)
	if err != nil || front.firstSeq == c.firstSeq {
		return 0, err
	}
	front.firstSeal = nil
	if len(key) > 0 {
		front.firstSeal = front.sealOf(key)
	}
	// The front first: the database lets go only of what lies before it.
	_, err = tx.ExecContext(ctx, `UPDATE audit_chains SET first_seq = $2, first_hash = $3, first_seal = $4 WHERE chain = $1`,
		chain, front.firstSeq, front.firstHash, front.firstSeal)
	if err != nil {
		return 0, err
	}
	return affected(tx.ExecContext(ctx, `DELETE FROM audit_events WHERE chain = $1 AND seq < $2`, chain, front.firstSeq))
}

const frontEvents = `SELECT seq, at, hash FROM audit_events WHERE chain = $1 AND seq >= $2 ORDER BY seq LIMIT $3`

func (db *DB) frontBehind(ctx context.Context, c chainRow, before time.Time, limit int) (chainRow, error) {
	rows, err := db.read.query(ctx, frontEvents, []any{c.Chain, c.firstSeq, limit})
	if err != nil {
		return c, db.dialect.fault(ctx, err)
	}
	return behindFront(c, rows, before)
}

// behindFront is c when those of its first rows are gone that are before a time. A later one keeps all behind it, and so does a row that is
// missing: what was tampered with must not vanish.
func behindFront(c chainRow, rows *sql.Rows, before time.Time) (chainRow, error) {
	defer rows.Close()
	for rows.Next() {
		var seq, at int64
		var hash []byte
		if err := rows.Scan(&seq, &at, &hash); err != nil {
			return c, err
		}
		if at >= millis(before) || seq != c.firstSeq {
			break
		}
		c.firstSeq, c.firstHash = seq+1, hash
	}
	return c, cmp.Or(rows.Err(), rows.Close())
}
