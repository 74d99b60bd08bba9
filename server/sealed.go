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
	row, err := db.SealedKey(ctx, kind)
	if errors.Is(err, store.ErrNotFound) {
		row, err = addSealedKey(ctx, db, m, kind, now)
	}
	if err != nil {
		return nil, err
	}
	key, err := m.OpenKey(row.Kind, row.ID, row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("the key %q: %w", row.ID, err)
	}
	return key, nil
}

func addSealedKey(ctx context.Context, db *store.DB, m *token.Master, kind string, now time.Time) (store.SealedKey, error) {
	key := make([]byte, sealedKeySize)
	rand.Read(key) // never fails: crypto/rand ends the program instead
	_, err := db.AddSealedKey(ctx, store.SealedKey{
		ID: kind, Kind: kind, Sealed: m.SealKey(kind, kind, key), SealedBy: m.ID(), CreatedAt: now,
	})
	if err != nil {
		return store.SealedKey{}, err
	}
	return db.SealedKey(ctx, kind) // another process may have been faster
}
