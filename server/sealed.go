package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// Kinds of keys that the database keeps sealed.
const (
	// AuditKey authenticates the audit log.
	AuditKey = "audit"
)

// sealedKeySize is that of a key of HMAC-SHA256 (RFC 2104 §3).
const sealedKeySize = 32

// SealedKey returns the key of that kind, 32 random bytes, and makes it if there is none. Of several
// processes that do so at once all get the same. It returns token.ErrSealed when m is not the master
// key of this database.
func SealedKey(ctx context.Context, db *store.DB, m *token.Master, kind string, now time.Time) ([]byte, error) {
	key, err := openSealedKey(ctx, db, m, kind)
	if !errors.Is(err, store.ErrNotFound) {
		return key, err
	}
	if err := claimMaster(ctx, db, m, now); err != nil { // or the key would be the first thing that m has sealed
		return nil, err
	}
	keys, err := OpenMaster(ctx, db, m)
	if err != nil {
		return nil, err
	}
	if err := addSealedKey(ctx, db, keys, kind, now); err != nil {
		return nil, err
	}
	return openSealedKey(ctx, db, m, kind) // another process may have been faster
}

// openSealedKey returns store.ErrNotFound when there is no key of that kind.
func openSealedKey(ctx context.Context, db *store.DB, m *token.Master, kind string) ([]byte, error) {
	rows, err := db.SealedKeys(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := masterIn(rows, m)
	if err != nil {
		return nil, err
	}
	row := rowOf(rows, kind)
	if row.ID == "" {
		return nil, store.ErrNotFound
	}
	key, err := keys.OpenKey(row.Kind, row.ID, row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("the key %q: %w", row.ID, err)
	}
	return key, nil
}

func addSealedKey(ctx context.Context, db *store.DB, m *token.Master, kind string, now time.Time) error {
	key := make([]byte, sealedKeySize)
	rand.Read(key) // never fails: crypto/rand ends the program instead
	defer clear(key)
	_, err := db.AddSealedKey(ctx, store.SealedKey{
		ID: kind, Kind: kind, Sealed: m.SealKey(kind, kind, key), SealedBy: m.ID(), CreatedAt: now,
	})
	return err
}
