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
	equal(t, "deleted", sweep(t, db, store.Sweep{Now: now, GrantKeep: time.Hour}), []int{1, 2, 0}) // gone; g2, g5
	equal(t, "feed", revoked(t, db), []string{"token out"})
	equal(t, "without GrantKeep", sweep(t, db, store.Sweep{Now: now}), []int{0, 1, 0})
	equal(t, "left", live(t, db), []string{"g1", "g4"})
	missing(t, "Grant", drop(db.Grant(ctx, "g3")))
}

// sweep goes through all once, and returns what each call deleted.
func sweep(t testing.TB, db *store.DB, in store.Sweep) (deleted []int) {
	t.Helper()
	for {
		swept := get(db.Sweep(t.Context(), in))(t)
		deleted = append(deleted, swept.Deleted)
		if in.Cursor = swept.Cursor; in.Cursor == "" {
			return deleted
		}
	}
}

// testSweepBatches: however many are dead, and wherever a walk begins, it comes by everywhere and
// takes no more at once than it may.
func testSweepBatches(t *testing.T, db *store.DB) {
	populate(t, db)
	fill := func() {
		for i := range 60 {
			if g := grant(fmt.Sprintf("g%02d", i), "app"); i%3 > 0 || i > 30 {
				g.ExpiresAt = now
				addGrant(t, db, g)
			} else if i%2 == 0 {
				addGrant(t, db, g)
			}
		}
		for i := range 7 {
			must(t, db.RevokeToken(t.Context(), fmt.Sprint("gone", i), now.Add(-time.Hour), now))
		}
	}
	for _, from := range []string{"", "g", "g30", "g31", "g59", "z"} {
		fill()
		sum := 0
		for _, n := range sweep(t, db, store.Sweep{Now: now, Batch: 3, From: from}) {
			if sum += n; n > 3 {
				t.Errorf("from %q: %d at once", from, n)
			}
		}
		equal(t, "deleted from "+from, sum, 49+7)
		equal(t, "live from "+from, len(live(t, db)), 6)
		must(t, drop(db.DeleteClient(t.Context(), "app", now, now)))
		must(t, db.CreateClient(t.Context(), app("app")))
		sweep(t, db, store.Sweep{Now: now})
	}
}

// testSweepOldestRevocations: one that is needed for longer than others hides no more than its
// share of them.
func testSweepOldestRevocations(t *testing.T, db *store.DB) {
	for i := range 25 {
		end := now
		if i < 9 {
			end = until
		}
		must(t, db.RevokeToken(t.Context(), fmt.Sprintf("t%02d", i), now.Add(time.Duration(i)-time.Hour), end))
	}
	equal(t, "deleted", sweep(t, db, store.Sweep{Now: now, Batch: 1})[:2], []int{1, 1})
	equal(t, "left", len(revoked(t, db)), 9)
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
	equal(t, "without KeyLife", sweep(t, db, store.Sweep{Now: now}), []int{0, 0})
	equal(t, "at first", sweep(t, db, store.Sweep{Now: now, KeyLife: life}), []int{1, 0})
	equal(t, "keys", keys(), "lone 1 2 3 ")
	in := store.Sweep{Now: now.Add(1000 * time.Hour), KeyLife: life, Batch: 1}
	equal(t, "one batch", sweep(t, db, in), []int{1, 0})
	equal(t, "the next", sweep(t, db, in), []int{1, 0})
	equal(t, "the last", sweep(t, db, in), []int{0, 0})
	equal(t, "keys that sign", keys(), "lone 3 ")

	in = store.Sweep{Now: now.Add(time.Hour + 25*time.Hour), KeyLife: life, Alg: "ES256"}
	equal(t, "while others may sign with the old algorithm", sweep(t, db, in), []int{0, 0})
	in.Now = in.Now.Add(time.Millisecond)
	equal(t, "of another algorithm", sweep(t, db, in), []int{1, 0})
	equal(t, "keys of the algorithm that signs", keys(), "3 ")
}
