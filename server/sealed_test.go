package server_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
)

// sealedKey is the key with which the audit log is authenticated.
func (s *system) sealedKey(m *token.Master) ([]byte, error) {
	return server.SealedKey(s.t.Context(), s.db, m, server.AuditKey, s.clock.Now())
}

func TestSealedKeyIsMadeOnce(t *testing.T) {
	s := newSystem(t)
	s.onNewDatabase()
	keys := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			key, err := s.sealedKey(s.master)
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	wg.Wait()
	for _, key := range keys {
		if len(key) != 32 || !bytes.Equal(key, keys[0]) || bytes.Equal(key, make([]byte, 32)) {
			t.Errorf("a key of %d bytes, want 32 random ones, the same for all", len(key))
		}
	}
	rows, err := s.db.SealedKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if bytes.Contains(row.Sealed, keys[0]) {
			t.Error("the key is legible in the database")
		}
	}
	if _, err := s.sealedKey(masterOf(t, 8)); !errors.Is(err, token.ErrSealed) {
		t.Errorf("another master key: %v", err)
	}
}
