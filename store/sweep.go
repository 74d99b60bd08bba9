package store

import (
	"context"
	"time"
)

// Sweep asks for one bounded batch of tidying.
type Sweep struct {
	Now time.Time

	// KeyLife is how long after its successor began to sign a key is still needed, because tokens
	// that it signed are out. Zero means for good.
	KeyLife time.Duration

	// Alg is the algorithm that signs. Keys of others were left behind by a change of it. Empty
	// means that all algorithms sign.
	Alg string

	// GrantKeep is how long an expired authorization is kept: access tokens of it may be out and
	// have to be revoked yet, and in a database restored from an older copy it looks expired to
	// whom holds a newer token. Zero means not at all.
	GrantKeep time.Duration

	Batch  int    // rows at most per table and call; zero means 500
	Cursor string // where the walk over grants goes on; "" begins anew
}

// Swept is what a batch did.
type Swept struct {
	Deleted int    // rows
	Cursor  string // for the next call; "" when the walk over grants has come round
}

// Sweep deletes rows that nobody needs any more: authorizations that expired or were revoked,
// revocations whose tokens have expired, and keys whose successor has long been signing. Each
// kind is one short transaction.
func (db *DB) Sweep(ctx context.Context, in Sweep) (Swept, error) {
	if in.Batch <= 0 {
		in.Batch = 500
	}
	grants, cursor, err := db.sweepGrants(ctx, in)
	if err != nil {
		return Swept{}, err
	}
	revocations, err := db.sweepRevocations(ctx, in)
	if err != nil {
		return Swept{}, err
	}
	keys, err := db.sweepKeys(ctx, in)
	if err != nil {
		return Swept{}, err
	}
	return Swept{Deleted: grants + revocations + keys, Cursor: cursor}, nil
}

// sweepGrants walks by primary key: an index by expiry would make every refresh dearer.
func (db *DB) sweepGrants(ctx context.Context, in Sweep) (deleted int, cursor string, err error) {
	batch, err := one(ctx, db.read, scanBatch, `SELECT count(*), COALESCE(max(id), '')
		FROM (SELECT id FROM grants WHERE id > $1 ORDER BY id LIMIT $2) AS batch`, in.Cursor, in.Batch)
	if err != nil || batch.rows == 0 {
		return 0, "", err
	}
	deleted, err = db.write.exec(ctx, `DELETE FROM grants WHERE id > $1 AND id <= $2
		AND (revoked_at IS NOT NULL OR expires_at <= $3)`, in.Cursor, batch.last, millis(in.Now.Add(-in.GrantKeep)))
	if batch.rows < in.Batch {
		return deleted, "", err
	}
	return deleted, batch.last, err
}

type grantBatch struct {
	rows int
	last string
}

func scanBatch(row scanner) (b grantBatch, err error) {
	err = row.Scan(&b.rows, &b.last)
	return b, err
}

func (db *DB) sweepRevocations(ctx context.Context, in Sweep) (deleted int, err error) {
	return db.write.exec(ctx, `DELETE FROM revocations WHERE (kind, id) IN
		(SELECT kind, id FROM revocations WHERE expires_at <= $1 ORDER BY revoked_at LIMIT $2)`,
		millis(in.Now), in.Batch)
}

// algChange is how long servers may take to go over to another algorithm one by one.
const algChange = 24 * time.Hour

// sweepKeys leaves the keys alone that sign now or will: they have no successor that signs.
func (db *DB) sweepKeys(ctx context.Context, in Sweep) (deleted int, err error) {
	if in.KeyLife <= 0 {
		return 0, nil
	}
	return db.write.exec(ctx, `DELETE FROM signing_keys WHERE id IN
		(SELECT k.id FROM signing_keys AS k WHERE EXISTS
			(SELECT 1 FROM signing_keys AS s
			WHERE s.sign_from > k.sign_from AND (s.alg = k.alg AND s.sign_from < $1 OR s.alg = $3 AND s.sign_from < $4))
		ORDER BY k.id LIMIT $2)`, millis(in.Now.Add(-in.KeyLife)), in.Batch, in.Alg, millis(in.Now.Add(-in.KeyLife-algChange)))
}
