package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// grouped is n authorizations, and what became of those who refreshed them in one group.
type grouped struct {
	db  *store.DB
	in  []store.Rotation
	end []context.CancelFunc
	res []store.RotateResult
	err []error

	done []chan struct{}
	wg   sync.WaitGroup
}

// onBothKinds runs test on a new database of each kind.
func onBothKinds(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Run("sqlite", func(t *testing.T) { test(t, migrated(t, filepath.Join(t.TempDir(), "grantd.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, migratedURL(t, pgtest.URL(t))) })
}

// groupOf returns the refreshes of n new authorizations.
func groupOf(t *testing.T, db *store.DB, n int) *grouped {
	t.Helper()
	storetest.Populate(t, db, "g")
	g, err := db.Grant(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	return &grouped{db: db, in: rotations(t, db, g, n)}
}

// start lets all call, and lets them go on when each of them waits.
func (g *grouped) start(t *testing.T) {
	t.Helper()
	n := len(g.in)
	g.res, g.err = make([]store.RotateResult, n), make([]error, n)
	g.end, g.done = make([]context.CancelFunc, n), make([]chan struct{}, n)
	release := g.db.Hold()
	for i := range g.in {
		var ctx context.Context
		ctx, g.end[i] = context.WithCancel(t.Context())
		g.done[i] = make(chan struct{})
		g.wg.Go(func() {
			defer close(g.done[i])
			g.res[i], g.err[i] = g.db.RotateGrant(ctx, g.in[i])
		})
		eventually(t, func() bool {
			_, waiting := g.db.Queue()
			return waiting == i+1
		})
	}
	release()
}

// want wants that caller i was told of outcome, and if that is a rotation that it is in the database.
func (g *grouped) want(t *testing.T, i int, outcome store.Outcome) {
	t.Helper()
	if g.err[i] != nil || g.res[i].Outcome != outcome {
		t.Errorf("caller %d: %v, %v; want %v", i, g.res[i].Outcome, g.err[i], outcome)
	}
	if outcome != store.Rotated {
		return
	}
	row, err := g.db.Grant(t.Context(), g.in[i].ID)
	if err != nil || fmt.Sprint(row) != fmt.Sprint(g.res[i].Grant) || row.Generation != g.in[i].Generation+1 {
		t.Errorf("caller %d was told %v; found %v, %v", i, g.res[i].Grant, row, err)
	}
}

// wantFailed wants that caller i was told of no rotation, and that there is none.
func (g *grouped) wantFailed(t *testing.T, i int) {
	t.Helper()
	row, err := g.db.Grant(t.Context(), g.in[i].ID)
	if err != nil || row.Generation != g.in[i].Generation || g.err[i] == nil {
		t.Errorf("caller %d: %v, %v; found generation %d, %v", i, g.res[i].Outcome, g.err[i], row.Generation, err)
	}
}

func (g *grouped) wantUnanswered(t *testing.T, i int) {
	t.Helper()
	select {
	case <-g.done[i]:
		t.Errorf("caller %d was answered before the commit", i)
	default:
	}
}

func TestAllOutcomesInAGroup(t *testing.T) {
	onBothKinds(t, func(t *testing.T, db *store.DB) {
		g := groupOf(t, db, 9)
		until := g.in[0].Now.Add(time.Hour)
		g.in[1].ClientID = "other"
		g.in[2].Now = g.in[2].Now.AddDate(10, 0, 0)
		g.in[3].Generation--  // the rotation before is long ago
		g.in[4].ID = "nobody" // knows it
		g.in[6].ID = g.in[5].ID
		g.in[7].ID, g.in[7].UserID = g.in[5].ID, "other"
		if _, err := db.RevokeGrant(t.Context(), g.in[8].ID, g.in[8].Now, until); err != nil {
			t.Fatal(err)
		}
		g.in[3].Grace = time.Millisecond
		g.start(t)
		g.wg.Wait()
		for i, want := range []store.Outcome{store.Rotated, store.Foreign, store.Expired, store.Reused, store.Unknown,
			store.Rotated, store.Repeated, store.Foreign, store.Revoked} {
			g.want(t, i, want)
		}
	})
}

func TestFiftyRacersInAGroup(t *testing.T) {
	onBothKinds(t, func(t *testing.T, db *store.DB) {
		g := groupOf(t, db, 50)
		for i := range g.in {
			g.in[i] = g.in[0]
		}
		g.start(t)
		g.wg.Wait()
		outcomes := map[store.Outcome]int{}
		for i := range g.in {
			if g.err[i] != nil {
				t.Error(g.err[i])
			}
			outcomes[g.res[i].Outcome]++
		}
		if outcomes[store.Rotated] != 1 || outcomes[store.Repeated] != 49 {
			t.Error(outcomes)
		}
	})
}

func TestClosedWhileAGroupWaits(t *testing.T) {
	onBothKinds(t, func(t *testing.T, db *store.DB) {
		g := groupOf(t, db, 5)
		release := db.Hold()
		for i := range g.in {
			g.wg.Go(func() {
				_, err := db.RotateGrant(t.Context(), g.in[i])
				wantFault(t, err, "it is closed; restart grantd")
			})
			eventually(t, func() bool { _, waiting := db.Queue(); return waiting == i+1 })
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		release()
		g.wg.Wait()
	})
}
