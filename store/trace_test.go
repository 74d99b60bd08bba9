package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
)

// trips are what a tracer was told.
type trips struct {
	mu    sync.Mutex
	all   []string
	ended int
}

func (tr *trips) tracer(ctx context.Context, system, what string) (context.Context, func(error)) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	i := len(tr.all)
	tr.all = append(tr.all, system+": "+what)
	return ctx, func(err error) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.ended++
		if err != nil {
			tr.all[i] += " fails"
		}
	}
}

// take gives what was told since the last time.
func (tr *trips) take(t *testing.T) []string {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.ended != len(tr.all) {
		t.Errorf("%d of %q ended", tr.ended, tr.all)
	}
	all := tr.all
	tr.all, tr.ended = nil, 0
	return all
}

// A tracer hears of statements by what they do, on PostgreSQL of each round trip.
func TestTrace(t *testing.T) {
	onBothKinds(t, func(t *testing.T, db *store.DB) {
		storetest.Populate(t, db, "g")
		tr := &trips{}
		db.Trace(tr.tracer)
		g, err := db.Grant(t.Context(), "g")
		if err != nil {
			t.Fatal(err)
		}
		in := rotations(t, db, g, 1)[0]
		check := func(doing string, sqlite, postgres []string) {
			t.Helper()
			got, want := tr.take(t), sqlite
			if len(got) > 0 && got[0][0] == 'p' {
				want = postgres
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", doing, got, want)
			}
		}
		tr.take(t)
		if res, err := db.RotateGrant(t.Context(), in); err != nil || res.Outcome != store.Rotated {
			t.Fatal(res, err)
		}
		check("a refresh", []string{"sqlite: UPDATE grants"}, []string{"postgresql: UPDATE grants"})
		if _, err := db.User(t.Context(), "nobody"); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		check("a row that is not there", []string{"sqlite: SELECT users"}, []string{"postgresql: SELECT users"})
		if _, err := db.RevokeGrant(t.Context(), "g", in.Now, in.Until); err != nil {
			t.Fatal(err)
		}
		check("a transaction", []string{"sqlite: transaction"},
			[]string{"postgresql: transaction", "postgresql: BEGIN", "postgresql: UPDATE grants", "postgresql: INSERT revocations", "postgresql: COMMIT"})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		db.User(ctx, "nobody")
		for _, trip := range tr.take(t) {
			if trip != "sqlite: SELECT users fails" && trip != "postgresql: SELECT users fails" {
				t.Errorf("with a context that has ended: %q", trip)
			}
		}
	})
}

// The pools have names, commits are counted by how many refreshes share one, and faults show.
func TestStats(t *testing.T) {
	onBothKinds(t, func(t *testing.T, db *store.DB) {
		g := groupOf(t, db, 5)
		g.start(t)
		g.wg.Wait()
		s := db.Stats()
		var names []string
		for _, p := range s.Pools {
			names = append(names, p.Name)
			if p.Most < 1 || p.Open < p.Busy || p.Open > p.Most {
				t.Errorf("%+v", p)
			}
		}
		if got := fmt.Sprint(names); got != "[write read]" && got != "[requests watch probe]" {
			t.Errorf("pools %s", got)
		}
		if s.Rotations < 5 || s.Commits[3]+s.Commits[2] == 0 {
			t.Errorf("5 refreshes in a group: %+v", s)
		}
		if s.Unavailable != 0 {
			t.Errorf("%d faults", s.Unavailable)
		}
		db.Close()
		db.User(t.Context(), "u")
		if now := db.Stats(); now.Unavailable == 0 {
			t.Error("a fault was not counted")
		}
	})
}
