package store

import (
	"context"
	"database/sql"
	"time"
)

// SigningKey is a key that signs access tokens from SignFrom until another one of its Alg does.
type SigningKey struct {
	ID, Alg   string
	Public    []byte // nil for an Alg with a shared secret
	Sealed    []byte // the private half, encrypted
	CreatedAt time.Time
	SignFrom  time.Time
	// SealedBy is the master key that sealed a key that is added; what adds it returns ErrResealed when it
	// is another one by then. It is not kept. Empty: whatever it is.
	SealedBy string
}

const insertKey = `INSERT INTO signing_keys (id, alg, public, sealed, created_at, sign_from)
	VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`

const insertFirstKey = `INSERT INTO signing_keys (id, alg, public, sealed, created_at, sign_from, first_of)
	SELECT $1, $2, $3, $4, $5, $6, $2
	WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE alg = $2)
	ON CONFLICT DO NOTHING`

func (k SigningKey) values() []any {
	return []any{k.ID, k.Alg, k.Public, k.Sealed, millis(k.CreatedAt), millis(k.SignFrom)}
}

// AddSigningKey adds k, or returns a *TakenError.
func (db *DB) AddSigningKey(ctx context.Context, k SigningKey) error {
	return db.updateSealed(ctx, k.SealedBy, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, insertKey, k.values()...))
		return notTaken("key_id", n, err)
	})
}

// ReplaceSigningKeys adds k and drops the keys of its Alg that were to sign later, and returns how
// many they were: when a key has to go at once, those made with it may be known, too.
func (db *DB) ReplaceSigningKeys(ctx context.Context, k SigningKey) (dropped int, err error) {
	err = db.updateSealed(ctx, k.SealedBy, func(tx *sql.Tx) error {
		dropped, err = affected(tx.ExecContext(ctx,
			`DELETE FROM signing_keys WHERE alg = $1 AND sign_from > $2`, k.Alg, millis(k.SignFrom)))
		if err != nil {
			return err
		}
		n, err := affected(tx.ExecContext(ctx, insertKey, k.values()...))
		return notTaken("key_id", n, err)
	})
	return dropped, err
}

// AddFirstSigningKey adds k unless a key of its Alg exists, and tells whether it did: of all
// processes that start on an empty database, one adds its key.
func (db *DB) AddFirstSigningKey(ctx context.Context, k SigningKey) (added bool, err error) {
	err = db.updateSealed(ctx, k.SealedBy, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, insertFirstKey, k.values()...))
		added = n == 1
		return err
	})
	return added, err
}

const selectKeys = `SELECT id, alg, public, sealed, created_at, sign_from FROM signing_keys ORDER BY sign_from, id`

// SigningKeys returns all keys by SignFrom: past, present and future ones.
func (db *DB) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	return list(ctx, db.watch, scanKey, selectKeys)
}

func scanKey(row scanner) (k SigningKey, err error) {
	err = row.Scan(&k.ID, &k.Alg, &k.Public, &k.Sealed, instant{&k.CreatedAt}, instant{&k.SignFrom})
	return k, err
}
