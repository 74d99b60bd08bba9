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
	equal(t, "keys by time", get(db.SigningKeys(ctx))(t), []store.SigningKey{second, first, shared})
}

func testItems(t *testing.T, db *store.DB) {
	ctx := t.Context()
	must(t, db.CreateUser(ctx, johndoe()))
	must(t, db.CreateUser(ctx, store.User{ID: "u-ann", Username: "ann"}))
	foo, bar := store.Item{ID: "Foo", CreatedAt: now}, store.Item{ID: "Bar", CreatedAt: now}
	must(t, db.AddItem(ctx, "u-john", foo))
	must(t, db.AddItem(ctx, "u-john", bar))
	must(t, db.AddItem(ctx, "u-ann", foo))
	wantTaken(t, db.AddItem(ctx, "u-john", foo), "item_id")
	missing(t, "user", db.AddItem(ctx, "nobody", foo))
	equal(t, "items by id", get(db.Items(ctx, "u-john", "", 0))(t), []store.Item{bar, foo})
	equal(t, "the first", get(db.Items(ctx, "u-john", "", 1))(t), []store.Item{bar})
	equal(t, "the next", get(db.Items(ctx, "u-john", "Bar", 1))(t), []store.Item{foo})
	equal(t, "of nobody", get(db.Items(ctx, "nobody", "", 0))(t), nil)
}
