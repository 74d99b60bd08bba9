package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

func testRaces(t *testing.T, open func(*testing.T) *store.DB) {
	for name, test := range map[string]func(*testing.T, *store.DB){
		"200 rotate one token":           raceRotate,
		"100 rotate their own":           raceLeave,
		"rotate and reuse":               raceReuse,
		"disable and log in":             raceDisable,
		"delete and log in":              raceDelete,
		"new password and log in":        racePassword,
		"50 revoke one authorization":    raceRevoke,
		"50 end the same from all sides": raceEnds,
		"50 make the first key":          raceFirstKey,
		"50 note lives":                  raceAccessLives,
		"50 sign up with one name":       raceSignUp,
		"50 take the last 10":            raceTake,
		"50 take in any order":           raceTakeSome,
		"50 redeem one code":             raceRedeem,
		"redeem and end the session":     raceRedeemEnd,
		"new password and redeem":        raceRedeemPassword,
		"50 change the password":         raceChange,
		"sign out from all sides":        raceSignOut,
		"sign in and new password":       raceSession,
		"50 add items":                   func(t *testing.T, db *store.DB) { populate(t, db); RaceItems(t, db) },
		"50 revoke what others rotate":   raceRevokeRotate,
		"rotate while the sweep goes by": raceSweep,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func raceRotate(t *testing.T, db *store.DB) {
	populate(t, db, "g")
	RaceRotate(t, "g", db)
}

// RaceRotate lets 200 goroutines refresh the authorization g of johndoe at app by the token that
// counts. They are spread over dbs, which are all the same database.
func RaceRotate(t *testing.T, g string, dbs ...*store.DB) {
	results := race(t, 200, func(i int) (store.RotateResult, error) {
		return dbs[i%len(dbs)].RotateGrant(t.Context(), rotation(g))
	})
	want := grant(g, "app")
	want.Generation, want.RotatedAt, want.ExpiresAt, want.UsedFrom = 6, now, now.Add(2*time.Hour), "2001:db8::1"
	outcomes := map[store.Outcome]int{}
	for _, r := range results {
		outcomes[r.Outcome]++
		equal(t, "authorization", r.Grant, want)
	}
	equal(t, "outcomes", outcomes, map[store.Outcome]int{store.Rotated: 1, store.Repeated: 199})
}

// Populate adds johndoe, the client app and an authorization, for the races.
func Populate(t testing.TB, db *store.DB, g string) { populate(t, db, g) }

// RaceItems gives johndoe each of 25 items twice at once. It is spread over dbs as RaceRotate is.
func RaceItems(t *testing.T, dbs ...*store.DB) {
	added := race(t, 50, func(i int) (bool, error) {
		err := dbs[i%len(dbs)].AddItem(t.Context(), "u-john", store.Item{ID: fmt.Sprint(i / 2)})
		if errors.As(err, new(*store.TakenError)) {
			return false, nil
		}
		return true, err
	})
	equal(t, "added", count(added, true), 25)
}

// raceLeave lets every other caller give up early: that concerns nobody else, and whoever is told of
// a rotation finds it made.
func raceLeave(t *testing.T, db *store.DB) {
	populate(t, db)
	for i := range 100 {
		addGrant(t, db, grant(fmt.Sprint("g", i), "app"))
	}
	left := race(t, 100, func(i int) (bool, error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if i%2 == 1 {
			time.AfterFunc(time.Duration(i)*100*time.Microsecond, cancel)
		}
		res, err := db.RotateGrant(ctx, rotation(fmt.Sprint("g", i)))
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return true, nil
		}
		if err == nil && res.Outcome != store.Rotated {
			err = errors.New(res.Outcome.String())
		}
		return false, err
	})
	for i := range left {
		g := get(db.Grant(t.Context(), fmt.Sprint("g", i)))(t)
		if g.Generation != 6 && !(left[i] && g.Generation == 5) {
			t.Errorf("authorization %d: generation %d, caller left %t", i, g.Generation, left[i])
		}
	}
}

// raceReuse lets a thief present an old token while its owner refreshes.
func raceReuse(t *testing.T, db *store.DB) {
	populate(t, db, "g")
	outcomes := race(t, 50, func(i int) (store.Outcome, error) {
		in := rotation("g")
		if i%2 == 0 {
			in.Generation = 3
		}
		res, err := db.RotateGrant(t.Context(), in)
		return res.Outcome, err
	})
	equal(t, "reuses punished", count(outcomes, store.Reused), 1)
	if n := count(outcomes, store.Rotated); n > 1 {
		t.Errorf("rotated %d times", n)
	}
	for _, o := range outcomes {
		if o == store.Unknown || o == store.Expired || o == store.Foreign {
			t.Errorf("outcome %v", o)
		}
	}
	equal(t, "live", live(t, db), nil)
	equal(t, "feed", revoked(t, db), []string{"grant g"})
}

// raceLogins lets logins race with what must end all of them, and returns how many got through.
func raceLogins(t *testing.T, db *store.DB, end func(context.Context) (int, error)) {
	populate(t, db)
	ended := 0
	created := race(t, 50, func(i int) (bool, error) {
		if i == 25 {
			n, err := end(t.Context())
			ended = n
			return false, err
		}
		return db.CreateGrant(t.Context(), grant(fmt.Sprint("g", i), "app"), "hash")
	})
	equal(t, "live afterwards", live(t, db), nil)
	equal(t, "ended", ended, count(created, true))
	equal(t, "revocations", len(revoked(t, db)), ended)
}

func raceDisable(t *testing.T, db *store.DB) {
	raceLogins(t, db, func(ctx context.Context) (int, error) { return db.DisableUser(ctx, "u-john", now, until) })
}

func raceDelete(t *testing.T, db *store.DB) {
	raceLogins(t, db, func(ctx context.Context) (int, error) { return db.DeleteUser(ctx, "u-john", now, until) })
}

func racePassword(t *testing.T, db *store.DB) {
	raceLogins(t, db, func(ctx context.Context) (int, error) { return db.SetPassword(ctx, "u-john", "new", now, until) })
}

func raceRevoke(t *testing.T, db *store.DB) {
	populate(t, db, "g")
	revoked := race(t, 50, func(int) (bool, error) { return db.RevokeGrant(t.Context(), "g", now, until) })
	equal(t, "revoked", count(revoked, true), 1)
}

// raceRevokeRotate: whatever comes first, a revoked authorization is never rotated again.
func raceRevokeRotate(t *testing.T, db *store.DB) {
	populate(t, db, "g")
	race(t, 50, func(i int) (store.Outcome, error) {
		if i%5 == 0 {
			_, err := db.RevokeGrant(t.Context(), "g", now, until)
			return 0, err
		}
		res, err := db.RotateGrant(t.Context(), rotation("g"))
		if err == nil && res.Outcome != store.Revoked && !res.Grant.RevokedAt.IsZero() {
			err = fmt.Errorf("%v, but revoked", res.Outcome)
		}
		return res.Outcome, err
	})
	equal(t, "live", live(t, db), nil)
	equal(t, "afterwards", get(db.RotateGrant(t.Context(), rotation("g")))(t).Outcome, store.Revoked)
}

// raceEnds: what ends authorizations by user and what does by client lock the same rows in another
// order.
func raceEnds(t *testing.T, db *store.DB) {
	populate(t, db)
	for i := range 40 {
		addGrant(t, db, grant(fmt.Sprintf("g%02d", (i*17)%40), "app"))
	}
	race(t, 50, func(i int) (int, error) {
		switch ctx := t.Context(); i % 5 {
		case 0:
			return db.DisableUser(ctx, "u-john", now, until)
		case 1:
			return db.RevokeGrants(ctx, store.GrantFilter{ClientID: "app", Now: now}, until)
		case 2:
			return db.SetPassword(ctx, "u-john", fmt.Sprint("hash", i), now, until)
		case 3:
			_, err := db.RevokeGrant(ctx, fmt.Sprintf("g%02d", i%40), now, until)
			return 0, err
		default:
			_, err := db.RotateGrant(ctx, rotation(fmt.Sprintf("g%02d", i%40)))
			return 0, err
		}
	})
	equal(t, "live", live(t, db), nil)
	equal(t, "revocations", len(revoked(t, db)), 40)
}

func raceFirstKey(t *testing.T, db *store.DB) {
	added := race(t, 50, func(i int) (bool, error) {
		return db.AddFirstSigningKey(t.Context(), key(fmt.Sprint(i), now))
	})
	equal(t, "added", count(added, true), 1)
	equal(t, "keys", len(get(db.SigningKeys(t.Context()))(t)), 1)
}

func raceSignUp(t *testing.T, db *store.DB) {
	created := race(t, 50, func(i int) (bool, error) {
		err := db.CreateUser(t.Context(), store.User{ID: fmt.Sprint(i), Username: []string{"john", "JOHN"}[i%2]})
		if taken := new(store.TakenError); errors.As(err, &taken) && taken.Field == "username" {
			return false, nil
		}
		return err == nil, err
	})
	equal(t, "created", count(created, true), 1)
}

// raceSweep: the sweep takes only what is dead, whatever moves meanwhile.
func raceSweep(t *testing.T, db *store.DB) {
	populate(t, db)
	for i := range 40 {
		g := grant(fmt.Sprintf("g%02d", i), "app")
		if i%4 == 3 {
			g.ExpiresAt = now
		}
		addGrant(t, db, g)
	}
	race(t, 50, func(i int) (bool, error) {
		if i < 40 && i%4 != 3 {
			res, err := db.RotateGrant(t.Context(), rotation(fmt.Sprintf("g%02d", i)))
			if err == nil && res.Outcome != store.Rotated {
				err = fmt.Errorf("authorization %d: %v", i, res.Outcome)
			}
			return true, err
		}
		return true, sweepAll(t.Context(), db)
	})
	equal(t, "live", len(live(t, db)), 30)
	missing(t, "Grant", drop(db.Grant(t.Context(), "g03")))
}

func sweepAll(ctx context.Context, db *store.DB) error {
	in := store.Sweep{Now: now, Batch: 7}
	for {
		swept, err := db.Sweep(ctx, in)
		if err != nil || swept.Cursor == "" {
			return err
		}
		in.Cursor = swept.Cursor
	}
}
