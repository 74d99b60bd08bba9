package storetest

import (
	"errors"
	"strconv"
	"testing"

	"github.com/grantd/grantd/store"
)

func sealed(id string) store.SealedKey {
	return store.SealedKey{ID: id, Kind: "audit", Sealed: []byte{0, 1, 255}, SealedBy: "m1", CreatedAt: now}
}

func testSealedKeys(t *testing.T, db *store.DB) {
	ctx := t.Context()
	_, err := db.SealedKey(ctx, "audit")
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no key: %v", err)
	}
	added := race(t, 20, func(i int) (bool, error) {
		k := sealed("audit")
		k.Sealed = []byte(strconv.Itoa(i))
		return db.AddSealedKey(ctx, k)
	})
	equal(t, "added of those that started at once", count(added, true), 1)
	k := get(db.SealedKey(ctx, "audit"))(t)
	if i, err := strconv.Atoi(string(k.Sealed)); err != nil || !added[i] {
		t.Errorf("the key is %q, which is not the one that was added", k.Sealed)
	}
	dated := sealed("another")
	dated.ExpiresAt = later
	equal(t, "another", get(db.AddSealedKey(ctx, dated))(t), true)
	equal(t, "all by id", get(db.SealedKeys(ctx))(t), []store.SealedKey{dated, k})
}
