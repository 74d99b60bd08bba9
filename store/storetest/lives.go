package storetest

import (
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

func testAccessLives(t *testing.T, db *store.DB) {
	ctx := t.Context()
	note := func(ttl time.Duration, until, expired time.Time) {
		t.Helper()
		must(t, db.NoteAccessLife(ctx, store.AccessLife{TTL: ttl, UsedUntil: until}, expired))
	}
	const short, long = 15 * time.Minute, 12 * time.Hour
	equal(t, "at first", len(get(db.AccessLives(ctx))(t)), 0)
	note(long, now, now)
	note(short, now.Add(time.Hour), now)
	note(short, now, now) // of a server whose clock is behind
	want := []store.AccessLife{{TTL: long, UsedUntil: now}, {TTL: short, UsedUntil: now.Add(time.Hour)}}
	equal(t, "both", get(db.AccessLives(ctx))(t), want)
	equal(t, "the last expiry", want[0].LastExpiry(), now.Add(long))

	note(short, now.Add(long), now.Add(long-time.Millisecond))
	equal(t, "while a token of the longer may be out", len(get(db.AccessLives(ctx))(t)), 2)
	note(short, now.Add(long), now.Add(long))
	equal(t, "when none is", get(db.AccessLives(ctx))(t), []store.AccessLife{{TTL: short, UsedUntil: now.Add(long)}})
	note(short, now, now.Add(100*time.Hour))
	equal(t, "when all are forgotten", len(get(db.AccessLives(ctx))(t)), 0)
}

// raceAccessLives: servers that start together all have their say.
func raceAccessLives(t *testing.T, db *store.DB) {
	const racers = 50
	race(t, racers, func(i int) (struct{}, error) {
		life := store.AccessLife{TTL: time.Duration(1+i%3) * time.Minute, UsedUntil: now.Add(time.Duration(i) * time.Second)}
		return struct{}{}, db.NoteAccessLife(t.Context(), life, now)
	})
	lives := get(db.AccessLives(t.Context()))(t)
	latest := lives[0].UsedUntil
	for _, l := range lives {
		if l.UsedUntil.After(latest) {
			latest = l.UsedUntil
		}
	}
	equal(t, "lives", len(lives), 3)
	equal(t, "the latest", latest, now.Add((racers-1)*time.Second))
}
