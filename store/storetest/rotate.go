package storetest

import (
	"math"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

type rotateCase struct {
	name   string
	before func(*store.Grant)    // changes grant("g", "app")
	in     func(*store.Rotation) // changes rotation("g")
	want   store.Outcome
	after  func(*store.Grant) // what the row becomes, beginning from before
}

func same(*store.Grant)         {}
func asIs(*store.Rotation)      {}
func revokedNow(g *store.Grant) { g.RevokedAt = now }

func rotatedTo(generation int64, expires time.Time) func(*store.Grant) {
	return func(g *store.Grant) { g.Generation, g.RotatedAt, g.ExpiresAt = generation, now, expires }
}

func presented(generation int64) func(*store.Rotation) {
	return func(in *store.Rotation) { in.Generation = generation }
}

func generation(n int64) func(*store.Grant) { return func(g *store.Grant) { g.Generation = n } }

func rotatedAgo(ago time.Duration) func(*store.Grant) {
	return func(g *store.Grant) { g.RotatedAt = now.Add(-ago) }
}

var idle = now.Add(2 * time.Hour)

var rotateCases = []rotateCase{
	{"contract-4 equal generations rotate", same, asIs, store.Rotated, rotatedTo(6, idle)},
	{"contract-4 the first generation rotates", generation(0), presented(0), store.Rotated, rotatedTo(1, idle)},
	{"contract-4 ahead after a restore", same, presented(41), store.Rotated, rotatedTo(42, idle)},
	{"contract-4 ahead, the restored row has expired meanwhile",
		func(g *store.Grant) { g.ExpiresAt = now.Add(-time.Hour) }, presented(41), store.Rotated, rotatedTo(42, idle)},
	{"contract-4 ahead past the absolute life",
		func(g *store.Grant) { g.ExpiresAt, g.MaxExpiresAt = now, now }, presented(41), store.Expired, same},
	{"contract-4 the absolute life bounds the idle life",
		func(g *store.Grant) { g.MaxExpiresAt = later }, asIs, store.Rotated, rotatedTo(6, later)},
	{"contract-4 the last moment before expiry",
		func(g *store.Grant) { g.ExpiresAt = now.Add(time.Millisecond) }, asIs, store.Rotated, rotatedTo(6, idle)},

	{"contract-4 one behind inside the grace", rotatedAgo(time.Second), presented(4), store.Repeated, same},
	{"contract-4 one behind at the end of the grace", rotatedAgo(30 * time.Second), presented(4), store.Repeated, same},
	{"contract-4 one behind, another clock a minute ahead", rotatedAgo(-time.Minute), presented(4), store.Repeated, same},
	{"contract-4 one behind, the clock was set back", rotatedAgo(-time.Minute - time.Millisecond), presented(4), store.Reused, revokedNow},
	{"contract-4 one behind, no grace, same millisecond", rotatedAgo(0),
		func(in *store.Rotation) { in.Generation, in.Grace = 4, 0 }, store.Reused, revokedNow},

	{"contract-4 one behind past the grace", rotatedAgo(30*time.Second + time.Millisecond), presented(4), store.Reused, revokedNow},
	{"contract-4 further behind inside the grace", rotatedAgo(time.Second), presented(3), store.Reused, revokedNow},
	{"contract-4 far behind", same, presented(0), store.Reused, revokedNow},

	{"contract-4 unknown", same, func(in *store.Rotation) { in.ID = "nothing" }, store.Unknown, same},
	{"contract-4 another client", same, func(in *store.Rotation) { in.ClientID = "other" }, store.Foreign, same},
	{"contract-4 another user", same, func(in *store.Rotation) { in.UserID = "u-ann" }, store.Foreign, same},
	{"contract-4 a stranger's reuse revokes nothing", same,
		func(in *store.Rotation) { in.ClientID, in.Generation = "other", 0 }, store.Foreign, same},
	{"contract-4 foreign before revoked", revokedNow,
		func(in *store.Rotation) { in.ClientID = "other" }, store.Foreign, same},
	{"contract-4 revoked", revokedNow, asIs, store.Revoked, same},
	{"contract-4 revoked before expired",
		func(g *store.Grant) { g.RevokedAt, g.ExpiresAt = now, now }, asIs, store.Revoked, same},
	{"contract-4 revoked before reused", revokedNow, presented(1), store.Revoked, same},
	{"contract-4 expired", func(g *store.Grant) { g.ExpiresAt = now }, asIs, store.Expired, same},
	{"contract-4 expired before repeated",
		func(g *store.Grant) { g.ExpiresAt, g.RotatedAt = now, now }, presented(4), store.Expired, same},
	{"contract-4 expired before reused", func(g *store.Grant) { g.ExpiresAt = now }, presented(1), store.Expired, same},

	{"contract-4 the last generation that there can be", generation(math.MaxInt64 - 1),
		presented(math.MaxInt64 - 1), store.Rotated, rotatedTo(math.MaxInt64, idle)},
	{"contract-4 no generation is left", generation(math.MaxInt64), presented(math.MaxInt64), store.Expired, same},
	{"contract-4 a token cannot use up the generations", same, presented(math.MaxInt64), store.Expired, same},
	{"contract-4 a repeat of the last generation",
		func(g *store.Grant) { g.Generation, g.RotatedAt = math.MaxInt64, now }, presented(math.MaxInt64 - 1), store.Repeated, same},
}

func testRotate(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	populate(t, db)
	must(t, db.CreateClient(t.Context(), app("other")))
	for _, c := range rotateCases {
		t.Run(c.name, func(t *testing.T) { testOutcome(t, db, c) })
	}
	equal(t, "an outcome that is none", store.Outcome(99).String()+store.Outcome(-1).String(), "invalidinvalid")
}

func testOutcome(t *testing.T, db *store.DB, c rotateCase) {
	ctx := t.Context()
	g, in := grant(c.name, "app"), rotation(c.name)
	c.before(&g)
	c.in(&in)
	addGrant(t, db, g)
	feed := len(revoked(t, db))

	if c.want != store.Unknown {
		equal(t, "foreseen", g.Foresee(in).String(), c.want.String())
	}
	res := get(db.RotateGrant(ctx, in))(t)
	equal(t, "outcome", res.Outcome.String(), c.want.String())
	c.after(&g)
	if c.want == store.Rotated {
		g.UsedFrom = in.From
	}
	equal(t, "the row after "+c.want.String(), get(db.Grant(ctx, g.ID))(t), g)
	if c.want == store.Unknown {
		g = store.Grant{}
	}
	equal(t, "the row returned", res.Grant, g)
	if c.want == store.Reused {
		feed++
		equal(t, "after reuse", get(db.RotateGrant(ctx, rotation(c.name)))(t).Outcome, store.Revoked)
	}
	equal(t, "revocations", len(revoked(t, db)), feed)
}
