package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

// bucket holds ten, and one is back after each minute.
func bucket(key string) store.Bucket { return store.Bucket{Key: key, Burst: 10, Every: time.Minute} }

// taken takes n times at that moment and returns how often there was something.
func taken(t testing.TB, db *store.DB, at time.Time, n int, from ...store.Bucket) (got int) {
	t.Helper()
	for range n {
		if get(db.Take(t.Context(), at, from...))(t).Key == "" {
			got++
		}
	}
	return got
}

func testLimits(t *testing.T, db *store.DB) {
	ctx := t.Context()
	b := bucket("b")
	equal(t, "at once", taken(t, db, now, 12, b), 10)
	equal(t, "empty", get(db.Take(ctx, now.Add(time.Second), b))(t), store.Empty{Key: "b", Until: now.Add(time.Minute)})
	equal(t, "a moment before", taken(t, db, now.Add(time.Minute-time.Millisecond), 1, b), 0)
	equal(t, "after a minute", taken(t, db, now.Add(time.Minute), 2, b), 1)
	equal(t, "of another", taken(t, db, now, 11, bucket("c")), 10)
	equal(t, "after an hour", taken(t, db, now.Add(time.Hour), 20, b), 10)

	at := now.Add(time.Hour)
	must(t, db.GiveBack(ctx, []store.Bucket{b, bucket("never taken from")}))
	equal(t, "given back", taken(t, db, at, 2, b), 1)
	must(t, db.GiveBack(ctx, nil, "b", "unknown"))
	equal(t, "filled", taken(t, db, at, 12, b), 10)
	must(t, db.GiveBack(ctx, []store.Bucket{b}))
	must(t, db.GiveBack(ctx, []store.Bucket{b}))
	equal(t, "no more than were taken", taken(t, db, at, 12, b), 2)

	for _, key := range []string{"b x", "b y", "b", "bx", "b!"} {
		taken(t, db, at, 10, bucket(key))
	}
	equal(t, "filled", get(db.FillBuckets(ctx, "b"))(t), 3)
	equal(t, "a name that begins alike", taken(t, db, at, 2, bucket("bx"))+taken(t, db, at, 2, bucket("b!")), 0)
	equal(t, "those of the name", taken(t, db, at, 20, bucket("b x")), 10)

	equal(t, "swept while something is missing", sweep(t, db, store.Sweep{Now: at.Add(10*time.Minute - time.Millisecond)})[0], 1) // c, an hour ago
	equal(t, "swept", sweep(t, db, store.Sweep{Now: at.Add(10 * time.Minute)})[0], 3)
	equal(t, "swept again", sweep(t, db, store.Sweep{Now: at.Add(10 * time.Minute)})[0], 0)
}

// testTakeAllOrNone: who is refused by one bucket spends nothing of the others.
func testTakeAllOrNone(t *testing.T, db *store.DB) {
	ctx := t.Context()
	small, large := store.Bucket{Key: "a small", Burst: 1, Every: time.Hour}, bucket("large")
	last := store.Bucket{Key: "z small", Burst: 1, Every: time.Hour}
	equal(t, "both", taken(t, db, now, 1, large, small), 1)
	equal(t, "the other", taken(t, db, now, 1, last), 1)
	for _, b := range []store.Bucket{small, last} {
		equal(t, "with "+b.Key, get(db.Take(ctx, now, large, b))(t), store.Empty{Key: b.Key, Until: now.Add(time.Hour)})
	}
	equal(t, "left", taken(t, db, now, 20, large), 9)
	equal(t, "of none", get(db.Take(ctx, now))(t), store.Empty{})
}

// testClockSetBack: a clock that was a day ahead locks nobody out for a day, and one that is behind
// gives nothing away.
func testClockSetBack(t *testing.T, db *store.DB) {
	b := bucket("b")
	equal(t, "a day ahead", taken(t, db, now.Add(24*time.Hour), 12, b), 10)
	equal(t, "set back", taken(t, db, now, 12, b), 10)
	equal(t, "by a server that is a minute behind", taken(t, db, now.Add(-time.Minute), 3, b), 0)
	equal(t, "by a server that is an hour behind", taken(t, db, now.Add(-time.Hour), 3, b), 0)
	equal(t, "a while later", taken(t, db, now.Add(10*time.Minute), 12, b), 10)
}

// raceTake: of fifty as many get something as there is, on whatever server they are.
func raceTake(t *testing.T, db *store.DB) { RaceTake(t, db) }

// RaceTake lets 50 goroutines take from a bucket of ten. They are spread over dbs, which are all the
// same database.
func RaceTake(t *testing.T, dbs ...*store.DB) {
	empty := race(t, 50, func(i int) (string, error) {
		e, err := dbs[i%len(dbs)].Take(t.Context(), now, bucket("b"))
		return e.Key, err
	})
	equal(t, "got one", count(empty, ""), 10)
}

// raceTakeSome: those who take from several buckets wait for nobody who waits for them.
func raceTakeSome(t *testing.T, db *store.DB) {
	empty := race(t, 50, func(i int) (string, error) {
		from := []store.Bucket{bucket(fmt.Sprint("b", i%3)), bucket(fmt.Sprint("b", (i+1)%3))}
		e, err := db.Take(t.Context(), now, from...)
		if err == nil && e.Key == "" && i%5 == 0 {
			err = db.GiveBack(t.Context(), from)
		}
		return e.Key, err
	})
	if n := count(empty, ""); n < 14 || n > 25 { // each takes two of thirty
		t.Errorf("%d of 50 got something", n)
	}
}

func places(t testing.TB, db *store.DB, user, one, other string) (names []string) {
	t.Helper()
	for _, p := range get(db.KnownPlaces(t.Context(), user, one, other))(t) {
		names = append(names, p.Name)
	}
	return names
}

func testPlaces(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db)
	must(t, db.CreateUser(ctx, store.User{ID: "u-ann", Username: "ann"}))
	must(t, db.NotePlaces(ctx, "u-john", now, "home", "phone"))
	must(t, db.NotePlaces(ctx, "u-ann", later, "home"))
	must(t, db.NotePlaces(ctx, "nobody", now, "home"))
	equal(t, "known", places(t, db, "u-john", "phone", "home"), []string{"home", "phone"})
	equal(t, "known", places(t, db, "u-ann", "phone", "home"), []string{"home"})
	equal(t, "of nobody", places(t, db, "nobody", "phone", "home"), nil)
	equal(t, "elsewhere", places(t, db, "u-john", "", "away"), nil)

	must(t, db.NotePlaces(ctx, "u-john", until, "home"))
	must(t, db.NotePlaces(ctx, "u-john", now, "home")) // by a server that was slower
	equal(t, "last noted", get(db.KnownPlaces(ctx, "u-john", "home", ""))(t), []store.Place{{Name: "home", SeenAt: until}})
	equal(t, "latest", get(db.LatestPlaces(ctx, time.Time{}, 2))(t), []store.Place{
		{UserID: "u-john", Name: "home", SeenAt: until}, {UserID: "u-ann", Name: "home", SeenAt: later},
	})
	equal(t, "since then", get(db.LatestPlaces(ctx, until, 0))(t), []store.Place{{UserID: "u-john", Name: "home", SeenAt: until}})

	for i := range store.MostPlaces - 1 {
		must(t, db.NotePlaces(ctx, "u-john", later.Add(time.Duration(i)*time.Second), fmt.Sprint("p", i)))
	}
	equal(t, "the oldest goes", places(t, db, "u-john", "phone", "home"), []string{"home"})
	equal(t, "not of others", places(t, db, "u-ann", "phone", "home"), []string{"home"})

	equal(t, "swept without an end", sweep(t, db, store.Sweep{Now: until.Add(time.Hour)})[0], 0)
	equal(t, "swept", sweep(t, db, store.Sweep{Now: until.Add(time.Hour), PlaceKeep: time.Hour, Batch: 100})[0], store.MostPlaces+1)
	equal(t, "all", len(get(db.LatestPlaces(ctx, time.Time{}, 0))(t)), 0)
}

// testForgottenPlaces: whoever had the old password may have been anywhere.
func testForgottenPlaces(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db)
	must(t, db.CreateUser(ctx, store.User{ID: "u-ann", Username: "ann"}))
	for name, change := range map[string]func() error{
		"set by an operator": func() error { return drop(db.SetPassword(ctx, "u-john", "hash", now, until)) },
		"changed": func() error {
			signIn(t, db, "s1")
			in := change("s1", session("s2"))
			in.NewHash = "hash"
			return drop(db.ChangePassword(ctx, in))
		},
		"disabled": func() error { return drop(db.DisableUser(ctx, "u-john", now, until)) },
		"deleted":  func() error { return drop(db.DeleteUser(ctx, "u-john", now, until)) },
	} {
		_, _ = db.DeleteUser(ctx, "u-john", now, until) // may be gone
		must(t, db.CreateUser(ctx, johndoe()))
		for _, user := range []string{"u-john", "u-ann"} {
			must(t, db.NotePlaces(ctx, user, now, "home"))
		}
		must(t, change())
		equal(t, name, places(t, db, "u-john", "home", ""), nil)
		equal(t, name+": of others", places(t, db, "u-ann", "home", ""), []string{"home"})
	}
}
