package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// onEach runs a test on an empty database of each kind.
func onEach(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Run("SQLite", func(t *testing.T) { test(t, migrated(t, filepath.Join(t.TempDir(), "grantd.db"))) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, emptied(t, pgtest.URL(t))) })
}

// manyGrants adds n authorizations at once, like one that a test database has.
func manyGrants(t *testing.T, db *store.DB, n int) []store.Grant {
	t.Helper()
	storetest.Populate(t, db, "g")
	g, err := db.Grant(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	all := make([]store.Grant, n)
	for i := range all {
		all[i] = g
		all[i].ID = fmt.Sprint("many-", i)
	}
	if err := db.CreateGrants(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return all
}

// Three statements' worth of authorizations are what CreateGrant would have made of them.
func TestCreateGrants(t *testing.T) {
	onEach(t, func(t *testing.T, db *store.DB) {
		all := manyGrants(t, db, 1203)
		for _, i := range []int{0, 499, 500, 1202} {
			got, err := db.Grant(t.Context(), all[i].ID)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(all[i]) {
				t.Errorf("%v %v, want %v", err, got, all[i])
			}
			if res, err := db.RotateGrant(t.Context(), rotationOf(got)); err != nil || res.Outcome != store.Rotated {
				t.Errorf("refresh: %v %v", res.Outcome, err)
			}
		}
		if err := db.CreateGrants(t.Context(), nil); err != nil {
			t.Errorf("none: %v", err)
		}
		one := all[0]
		one.ID = "another"
		if err := db.CreateGrants(t.Context(), []store.Grant{one, all[7]}); err == nil {
			t.Error("an id was taken twice")
		}
		if _, err := db.Grant(t.Context(), one.ID); err == nil {
			t.Error("a part was added though the rest could not be")
		}
		one.ID, one.UserID = "nobody's", "nobody"
		if err := db.CreateGrants(t.Context(), []store.Grant{one}); err == nil {
			t.Error("there is no such user")
		}
	})
}

func TestStatementCost(t *testing.T) {
	onEach(t, func(t *testing.T, db *store.DB) {
		all := manyGrants(t, db, 150) // more than two groups
		in := make([]store.Rotation, len(all))
		for i, g := range all {
			in[i] = rotationOf(g)
		}
		each, err := db.StatementCost(t.Context(), 4, in)
		if err != nil || each <= 0 || each > time.Minute {
			t.Fatalf("%v %v", each, err)
		}
		for _, g := range all {
			if now, err := db.Grant(t.Context(), g.ID); err != nil || now.Generation != g.Generation+1 {
				t.Fatalf("%s is at generation %d, was at %d: %v", g.ID, now.Generation, g.Generation, err)
			}
		}
		// What is not rotated costs less, and would be told as the cost.
		in[0].Generation, in[0].ID = 100, "unknown"
		if _, err := db.StatementCost(t.Context(), 1, in[:1]); err == nil {
			t.Error("an authorization that is unknown was rotated")
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := db.StatementCost(ended, 4, in[1:]); err == nil {
			t.Error("the context had ended")
		}
		if _, err := db.StatementCost(t.Context(), 4, nil); err != nil {
			t.Errorf("none: %v", err)
		}
	})
}
