package storetest

import (
	"testing"

	"github.com/grantd/grantd/store"
)

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
