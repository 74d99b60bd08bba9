package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
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

// MasterRow is the ID of the sealed key whose SealedBy is the master key that this database goes by.
const MasterRow = "master"

// ErrResealed says that the master key was changed meanwhile, and what was sealed is of no use.
var ErrResealed = errors.New("the master key of the database was changed meanwhile; try again")

const insertSealed = `INSERT INTO sealed_keys (` + sealedColumns + `) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT `

// AddSealedKey adds k unless there is a key of its ID, and tells whether it did: of all servers that
// start at once on a new database, one adds its key, and all read it. It returns ErrResealed when
// k.SealedBy is not the master key.
func (db *DB) AddSealedKey(ctx context.Context, k SealedKey) (added bool, err error) {
	return db.addSealed(ctx, k, k.SealedBy)
}

// AddNextMaster is AddSealedKey for the key of a master key that is to come after the one named now.
func (db *DB) AddNextMaster(ctx context.Context, k SealedKey, now string) (added bool, err error) {
	return db.addSealed(ctx, k, now)
}

func (db *DB) addSealed(ctx context.Context, k SealedKey, master string) (added bool, err error) {
	err = db.updateSealed(ctx, master, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, insertSealed+`DO NOTHING`, k.values()...))
		added = n == 1
		return err
	})
	return added, err
}

// DropSealedKey deletes the key of that ID, and tells whether there was one. It returns ErrResealed
// when the master key is not that one.
func (db *DB) DropSealedKey(ctx context.Context, id, master string) (dropped bool, err error) {
	err = db.updateSealed(ctx, master, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `DELETE FROM sealed_keys WHERE id = $1`, id))
		dropped = n == 1
		return err
	})
	return dropped, err
}

// updateSealed is update for a change that was sealed by that master key: it is not made under
// another one. Without a name any will do.
func (db *DB) updateSealed(ctx context.Context, master string, change func(tx *sql.Tx) error) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		if err := db.holdMaster(ctx, tx, master, `SHARE`); err != nil {
			return err
		}
		return change(tx)
	})
}

// holdMaster keeps the master key as it is until tx ends.
func (db *DB) holdMaster(ctx context.Context, tx *sql.Tx, master, lock string) error {
	if master == "" {
		return nil
	}
	var now string
	err := tx.QueryRowContext(ctx, db.dialect.words(`SELECT sealed_by FROM sealed_keys WHERE id = $1 /*lock FOR `+lock+`*/`), MasterRow).Scan(&now)
	switch {
	case errors.Is(err, sql.ErrNoRows): // a new database
		return nil
	case err == nil && now != master:
		return ErrResealed
	}
	return err
}

// Resealed are all keys under another master key.
type Resealed struct {
	Signing []SigningKey // of which only ID and Sealed count
	Keys    []SealedKey  // all others are deleted
}

// Reseal puts all keys under another master key, in one transaction: either all or none are. seal is
// given those that there are, and makes the new ones; it is called with the database held, and may be
// called again. It returns ErrResealed when the master key is no longer the one named now.
func (db *DB) Reseal(ctx context.Context, now string, seal func([]SigningKey, []SealedKey) (Resealed, error)) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		if err := db.holdMaster(ctx, tx, now, `UPDATE`); err != nil {
			return err
		}
		signing, err := rowsIn(ctx, tx, scanKey, selectKeys)
		if err != nil {
			return err
		}
		keys, err := rowsIn(ctx, tx, scanSealed, selectSealed)
		if err != nil {
			return err
		}
		resealed, err := seal(signing, keys)
		if err != nil {
			return err
		}
		return resealed.put(ctx, tx, keys)
	})
}

func (r Resealed) put(ctx context.Context, tx *sql.Tx, before []SealedKey) error {
	for _, k := range r.Signing {
		if err := found(affected(tx.ExecContext(ctx, `UPDATE signing_keys SET sealed = $1 WHERE id = $2`, k.Sealed, k.ID))); err != nil {
			return err
		}
	}
	for _, old := range before {
		if slices.ContainsFunc(r.Keys, func(k SealedKey) bool { return k.ID == old.ID }) {
			continue
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM sealed_keys WHERE id = $1`, old.ID); err != nil {
			return err
		}
	}
	for _, k := range r.Keys {
		// In place: who waits for the row of the master key is to see what became of it.
		_, err := tx.ExecContext(ctx, insertSealed+`(id) DO UPDATE SET kind = excluded.kind, sealed = excluded.sealed,
			sealed_by = excluded.sealed_by, created_at = excluded.created_at, expires_at = excluded.expires_at`, k.values()...)
		if err != nil {
			return err
		}
	}
	return nil
}

// rowsIn is list inside a transaction.
func rowsIn[T any](ctx context.Context, tx *sql.Tx, scan func(scanner) (T, error), query string) (all []T, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// LastRefresh is when the last refresh token of all authorizations expires, however often it is
// rotated until then; zero if there are none. It looks at all of them.
func (db *DB) LastRefresh(ctx context.Context) (last time.Time, err error) {
	return one(ctx, db.read, scanInstant, `SELECT MAX(max_expires_at) FROM grants`)
}

func scanInstant(row scanner) (t time.Time, err error) {
	err = row.Scan(instant{&t})
	return t, err
}

const selectSealed = `SELECT ` + sealedColumns + ` FROM sealed_keys ORDER BY id`

// SealedKeys returns all of them by ID. There are a handful.
func (db *DB) SealedKeys(ctx context.Context) ([]SealedKey, error) {
	return list(ctx, db.watch, scanSealed, selectSealed)
}

// SealedKey returns the key of that ID, or ErrNotFound.
func (db *DB) SealedKey(ctx context.Context, id string) (SealedKey, error) {
	return one(ctx, db.watch, scanSealed, `SELECT `+sealedColumns+` FROM sealed_keys WHERE id = $1`, id)
}

func scanSealed(row scanner) (k SealedKey, err error) {
	err = row.Scan(&k.ID, &k.Kind, &k.Sealed, &k.SealedBy, instant{&k.CreatedAt}, instant{&k.ExpiresAt})
	return k, err
}
