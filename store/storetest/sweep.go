package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

func testSweep(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db, "g1", "g4")
	expired, recent, ended := grant("g2", "app"), grant("g3", "app"), grant("g5", "app")
	expired.ExpiresAt, recent.ExpiresAt, ended.RevokedAt = now.Add(-time.Hour), now, now
	for _, g := range []store.Grant{expired, recent, ended} {
		addGrant(t, db, g)
	}
	must(t, db.RevokeToken(ctx, "gone", now.Add(-time.Hour), now))
	must(t, db.RevokeToken(ctx, "out", now, until))

	// An authorization that expired a moment ago may have an access token out, which a disabling
	// of the user must still find.
	in := store.Sweep{Now: now, GrantKeep: time.Hour, Batch: 2}
	for _, want := range []store.Swept{
		{Deleted: 2, Cursor: "g2"}, // g2 and the revocation
		{Deleted: 0, Cursor: "g4"},
		{Deleted: 1, Cursor: ""}, // g5
	} {
		got := get(db.Sweep(ctx, in))(t)
		equal(t, "from "+in.Cursor, got, want)
		in.Cursor = got.Cursor
	}
	equal(t, "feed", revoked(t, db), []string{"token out"})

	equal(t, "without GrantKeep", get(db.Sweep(ctx, store.Sweep{Now: now}))(t), store.Swept{Deleted: 1})
	equal(t, "left", live(t, db), []string{"g1", "g4"})
	missing(t, "Grant", drop(db.Grant(ctx, "g3")))
	equal(t, "of a walk that ends with a full batch",
		get(db.Sweep(ctx, store.Sweep{Now: now, Batch: 2, Cursor: "g4"}))(t), store.Swept{})
}

func testSweepKeys(t *testing.T, db *store.DB) {
	ctx := t.Context()
	const life = time.Hour
	for i, from := range []time.Duration{
		-4 * time.Hour, // its successor has signed for three hours
		-3 * time.Hour, // its successor has signed for just an hour: not longer than KeyLife
		-1 * time.Hour, // signs now
		+1 * time.Hour, // will sign
	} {
		must(t, db.AddSigningKey(ctx, key(fmt.Sprint(i), now.Add(from))))
	}
	lone := key("lone", now.Add(-1000*time.Hour))
	lone.Alg = "EdDSA"
	must(t, db.AddSigningKey(ctx, lone))

	keys := func() (ids string) {
		for _, k := range get(db.SigningKeys(ctx))(t) {
			ids += k.ID + " "
		}
		return ids
	}
	equal(t, "without KeyLife", get(db.Sweep(ctx, store.Sweep{Now: now}))(t), store.Swept{})
	equal(t, "at first", get(db.Sweep(ctx, store.Sweep{Now: now, KeyLife: life}))(t), store.Swept{Deleted: 1})
	equal(t, "keys", keys(), "lone 1 2 3 ")
	in := store.Sweep{Now: now.Add(1000 * time.Hour), KeyLife: life, Batch: 1}
	equal(t, "one batch", get(db.Sweep(ctx, in))(t), store.Swept{Deleted: 1})
	equal(t, "the next", get(db.Sweep(ctx, in))(t), store.Swept{Deleted: 1})
	equal(t, "the last", get(db.Sweep(ctx, in))(t), store.Swept{})
	equal(t, "keys that sign", keys(), "lone 3 ")

	in = store.Sweep{Now: now.Add(time.Hour + 25*time.Hour), KeyLife: life, Alg: "ES256"}
	equal(t, "while others may sign with the old algorithm", get(db.Sweep(ctx, in))(t), store.Swept{})
	in.Now = in.Now.Add(time.Millisecond)
	equal(t, "of another algorithm", get(db.Sweep(ctx, in))(t), store.Swept{Deleted: 1})
	equal(t, "keys of the algorithm that signs", keys(), "3 ")
}
