package store_test

import (
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// A rotation that arrives late is dated by its arrival, or whoever asks again would
// be past the grace. A clock that is hours off was not late.
func TestLateRotation(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := store.Open(ctx, pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, _, err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Millisecond).UTC()
	if err := db.CreateUser(ctx, store.User{ID: "u", Username: "u", PasswordHash: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := db.CreateClient(ctx, store.Client{ID: "c"}); err != nil {
		t.Fatal(err)
	}
	grant := store.Grant{ID: "g", ClientID: "c", UserID: "u", ExpiresAt: now.Add(9 * time.Hour), MaxExpiresAt: now.Add(9 * time.Hour)}
	if created, err := db.CreateGrant(ctx, grant, ""); err != nil || !created {
		t.Fatal(created, err)
	}
	for i, c := range []struct {
		late    time.Duration
		arrival bool
	}{{0, false}, {time.Second / 2, false}, {30 * time.Second, true}, {2 * time.Hour, false}, {-time.Minute, false}} {
		in := store.Rotation{ID: "g", ClientID: "c", UserID: "u", Generation: int64(i), Now: time.Now().Add(-c.late), IdleTTL: 9 * time.Hour}
		res, err := db.RotateGrant(ctx, in)
		if err != nil || res.Outcome != store.Rotated {
			t.Fatal(res, err)
		}
		if back := res.Grant.RotatedAt.Sub(in.Now) > 5*time.Second; back != c.arrival {
			t.Errorf("%v late: rotated at %v, asked at %v", c.late, res.Grant.RotatedAt, in.Now)
		}
		if row, err := db.Grant(ctx, "g"); err != nil || !row.RotatedAt.Equal(res.Grant.RotatedAt) {
			t.Errorf("the row says %v, the answer %v; %v", row.RotatedAt, res.Grant.RotatedAt, err)
		}
	}
}
