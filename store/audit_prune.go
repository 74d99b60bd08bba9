package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"
)

// PruneEvents deletes the oldest events of a chain, those before a time and limit of them at most, and returns how many it deleted. The
// chain stays verifiable: its new front is sealed with the key. What does not fit is an error and stays: with the new seal nobody could
// tell any more that it did not.
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
	front, err := db.soundFront(ctx, tx, key, c, before, limit)
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

// sealWithin is how far behind the last event that goes its seal is looked for: the batches of servers are smaller.
const sealWithin = 1000

// soundFront is c when those of its first events are gone that are before a time, as in behindFront, after a look at each as verification has it,
// up to the seal that covers the last.
func (db *DB) soundFront(ctx context.Context, tx *sql.Tx, key []byte, c chainRow, before time.Time, limit int) (chainRow, error) {
	v := verifier{key: key, chain: c, found: VerifiedChain{Chain: c.Chain, Head: Head{c.Chain, c.firstSeq - 1, c.firstHash}}}
	if !v.frontFits() {
		return c, fmt.Errorf("nothing of it is deleted: the chain begins at event %d, and no server has pruned it up to there", c.firstSeq)
	}
	rows, err := tx.QueryContext(ctx, `SELECT `+eventColumns+` FROM audit_events WHERE chain = $1 AND seq >= $2 ORDER BY seq LIMIT $3`,
		c.Chain, c.firstSeq, limit+sealWithin)
	if err != nil {
		return c, err
	}
	defer rows.Close()
	front, ends := c, false
	for rows.Next() && !v.broken() {
		r, err := scanEvent(rows)
		if err != nil {
			return c, err
		}
		ends = ends || !r.At.Before(before) || r.Seq >= c.firstSeq+int64(limit)
		if ends && (v.foreign == 0 || len(key) == 0) {
			break
		}
		if v.row(&r); !ends {
			front.firstSeq, front.firstHash = r.Seq+1, r.hash
		}
	}
	if err := cmp.Or(rows.Err(), rows.Close()); err != nil {
		return c, err
	}
	if v.foreign != 0 && len(key) > 0 {
		v.fault(v.foreign, "event %d says that a server wrote it, and no server with the key did", v.foreign)
	}
	if v.broken() {
		return c, fmt.Errorf("nothing of it is deleted: %s", v.found.Fault)
	}
	return front, nil
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
// missing.
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
