package store

import (
	"context"
	"time"
)

// SealedKey is a secret of the server itself, which the database keeps sealed under the master key.
type SealedKey struct {
	ID, Kind  string
	Sealed    []byte
	SealedBy  string // the name of the master key
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
}

const sealedColumns = `id, kind, sealed, sealed_by, created_at, expires_at`

func (k SealedKey) values() []any {
	return []any{k.ID, k.Kind, k.Sealed, k.SealedBy, millis(k.CreatedAt), orNull(millis(k.ExpiresAt))}
}

// AddSealedKey adds k unless there is a key of its ID, and tells whether it did: of all servers that
// start at once on a new database, one adds its key, and all read it.
func (db *DB) AddSealedKey(ctx context.Context, k SealedKey) (added bool, err error) {
	n, err := db.write.exec(ctx, `INSERT INTO sealed_keys (`+sealedColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`, k.values()...)
	return n == 1, err
}

// SealedKeys returns all of them by ID. There are a handful.
func (db *DB) SealedKeys(ctx context.Context) ([]SealedKey, error) {
	return list(ctx, db.watch, scanSealed, `SELECT `+sealedColumns+` FROM sealed_keys ORDER BY id`)
}

// SealedKey returns the key of that ID, or ErrNotFound.
func (db *DB) SealedKey(ctx context.Context, id string) (SealedKey, error) {
	return one(ctx, db.watch, scanSealed, `SELECT `+sealedColumns+` FROM sealed_keys WHERE id = $1`, id)
}

func scanSealed(row scanner) (k SealedKey, err error) {
	err = row.Scan(&k.ID, &k.Kind, &k.Sealed, &k.SealedBy, instant{&k.CreatedAt}, instant{&k.ExpiresAt})
	return k, err
}
