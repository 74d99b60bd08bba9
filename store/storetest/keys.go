package storetest

import (
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

func key(id string, from time.Time) store.SigningKey {
	return store.SigningKey{
		ID: id, Alg: "ES256", Public: []byte{1, 0}, Sealed: []byte{0, 2}, CreatedAt: now, SignFrom: from,
	}
}

func testKeys(t *testing.T, db *store.DB) {
	ctx := t.Context()
	first, second := key("k1", later), key("k2", now)
	shared := store.SigningKey{ID: "k3", Alg: "HS256", Sealed: []byte{3}, CreatedAt: now, SignFrom: later}
	equal(t, "the first of its kind", get(db.AddFirstSigningKey(ctx, first))(t), true)
	equal(t, "no longer the first", get(db.AddFirstSigningKey(ctx, second))(t), false)
	equal(t, "the first of another kind", get(db.AddFirstSigningKey(ctx, shared))(t), true)
	must(t, db.AddSigningKey(ctx, second))
	wantTaken(t, db.AddSigningKey(ctx, second), "key_id")
	equal(t, "not the first", get(db.AddFirstSigningKey(ctx, key("k4", now)))(t), false)
	added := store.SigningKey{ID: "k5", Alg: "EdDSA", Sealed: []byte{5}, CreatedAt: now, SignFrom: later}
	must(t, db.AddSigningKey(ctx, added))
	added.ID = "k6"
	equal(t, "not the first of what was added otherwise", get(db.AddFirstSigningKey(ctx, added))(t), false)
	added.ID = "k5"
	equal(t, "keys by time", get(db.SigningKeys(ctx))(t), []store.SigningKey{second, first, shared, added})

	instead := key("k7", now.Add(time.Millisecond))
	equal(t, "keys that waited", get(db.ReplaceSigningKeys(ctx, instead))(t), 1)
	equal(t, "keys after an emergency", get(db.SigningKeys(ctx))(t), []store.SigningKey{second, instead, shared, added})
	_, err := db.ReplaceSigningKeys(ctx, second)
	wantTaken(t, err, "key_id")
	equal(t, "nothing dropped for a key that is there", get(db.SigningKeys(ctx))(t), []store.SigningKey{second, instead, shared, added})
}
