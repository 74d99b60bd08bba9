package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

// code is of johndoe in the session s1, for app, and becomes the authorization of the same name.
func code(id string) store.Code {
	return store.Code{
		ID: id, ClientID: "app", UserID: "u-john", GrantID: "g of " + id, Scope: []string{"openid", "me"}, Audience: []string{"https://api.example"},
		RedirectURI: "https://app.example/cb", Challenge: "challenge", Nonce: "nonce", Claims: "{}", SessionID: "s1",
		AuthTime: now.Add(-time.Hour), CreatedAt: now, ExpiresAt: later,
	}
}

func redemption(id string) store.Redemption {
	g := grant("g of "+id, "app")
	g.SessionID, g.Scope = "s1", []string{"openid", "me"}
	return store.Redemption{ID: id, ClientID: "app", Grant: g, Now: now, Until: until}
}

func consent(clientID string) store.Consent {
	return store.Consent{UserID: "u-john", ClientID: clientID, Granted: []string{"me"}, Asked: []string{"me items"}, CreatedAt: now, UpdatedAt: now}
}

func testConsents(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db, "g1")
	must(t, db.CreateClient(ctx, app("other")))
	addGrant(t, db, grant("g2", "other"))
	signIn(t, db, "s1")
	missing(t, "Consent", drop(db.Consent(ctx, "u-john", "app")))
	for _, c := range []store.Consent{consent("other"), consent("app")} {
		equal(t, "put", get(db.PutConsent(ctx, c, "s1"))(t), true)
	}
	equal(t, "consents", get(db.Consents(ctx, "u-john"))(t), []store.Consent{consent("app"), consent("other")})
	more := consent("app")
	more.Granted, more.CreatedAt, more.UpdatedAt = []string{}, later, later
	equal(t, "put again", get(db.PutConsent(ctx, more, "s1"))(t), true)
	more.CreatedAt = now
	equal(t, "consent as it was put", get(db.Consent(ctx, "u-john", "app"))(t), more)
	equal(t, "of no client", get(db.PutConsent(ctx, consent("nothing"), "s1"))(t), false)
	equal(t, "in no session", get(db.PutConsent(ctx, more, "s9"))(t), false)

	get(db.CreateCode(ctx, code("c1")))(t)
	equal(t, "forgotten", get(db.ForgetConsents(ctx, "u-john", "app", now, until))(t), 1)
	missing(t, "Consent", drop(db.Consent(ctx, "u-john", "app")))
	missing(t, "Code", drop(db.Code(ctx, "c1")))
	equal(t, "left", live(t, db), []string{"g2"})
	equal(t, "feed", revoked(t, db), []string{"grant g1"})
	equal(t, "all forgotten", get(db.ForgetConsents(ctx, "u-john", "", now, until))(t), 1)
	equal(t, "consents", get(db.Consents(ctx, "u-john"))(t), nil)
	equal(t, "sessions go on", sessions(t, db), []string{"s1"})
}

func testCodes(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db)
	must(t, db.CreateUser(ctx, store.User{ID: "u-ann", Username: "ann"}))
	signIn(t, db, "s1")
	equal(t, "created", get(db.CreateCode(ctx, code("c1")))(t), true)
	equal(t, "code as it was created", get(db.Code(ctx, "c1"))(t), code("c1"))
	equal(t, "the same", get(db.CreateCode(ctx, code("c1")))(t), false)
	missing(t, "Code", drop(db.Code(ctx, "c9")))
	for name, change := range map[string]func(*store.Code){
		"no such session":         func(c *store.Code) { c.SessionID = "s9" },
		"another user's session":  func(c *store.Code) { c.UserID = "u-ann" },
		"no such client":          func(c *store.Code) { c.ClientID = "nothing" },
		"a session that is over":  func(c *store.Code) { c.CreatedAt = now.Add(time.Hour) },
		"a user who is not there": func(c *store.Code) { c.UserID = "nobody" },
	} {
		c := code("c2")
		change(&c)
		equal(t, name, get(db.CreateCode(ctx, c))(t), false)
	}
}

func testRedeem(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db)
	must(t, db.CreateClient(ctx, app("other")))
	signIn(t, db, "s1")
	for _, id := range []string{"c1", "c2", "c3"} {
		get(db.CreateCode(ctx, code(id)))(t)
	}
	redeem := func(what string, in store.Redemption, want store.Redeemed) {
		t.Helper()
		equal(t, what, get(db.RedeemCode(ctx, in))(t).String(), want.String())
	}
	foreign := redemption("c1")
	foreign.ClientID = "other"
	redeem("by another client", foreign, store.CodeUnknown)
	redeem("what is not there", redemption("c9"), store.CodeUnknown)
	redeem("the first time", redemption("c1"), store.CodeSpent)
	equal(t, "authorization", get(db.Grant(ctx, "g of c1"))(t), redemption("c1").Grant)
	equal(t, "used at", get(db.Code(ctx, "c1"))(t).UsedAt, now)
	redeem("by another client afterwards", foreign, store.CodeUnknown)
	equal(t, "live", live(t, db), []string{"g of c1"})
	redeem("the second time", redemption("c1"), store.CodeReplayed)
	equal(t, "live", live(t, db), nil)
	equal(t, "feed", revoked(t, db), []string{"grant g of c1"})
	redeem("the third time", redemption("c1"), store.CodeReplayed)

	late := redemption("c2")
	late.Now = later
	redeem("late", late, store.CodeExpired)
	redeem("late by the same clock as before", redemption("c2"), store.CodeSpent)
	late.Now = later.Add(time.Hour)
	redeem("used and late", late, store.CodeReplayed)
	must(t, db.EnableUser(ctx, "u-john"))
	gone := redemption("c3")
	gone.Grant.UserID = "nobody"
	redeem("for a user who is gone", gone, store.CodeRefused)
	redeem("and again", redemption("c3"), store.CodeReplayed)
}

func testSweepExpired(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db)
	old := session("s0")
	old.ExpiresAt = now
	get(db.PutSession(ctx, old, "hash"))(t)
	signIn(t, db, "s1")
	get(db.JoinSession(ctx, "s0", "app"))(t)
	for i := range 5 {
		c := code(fmt.Sprint("c", i))
		c.ExpiresAt = now.Add(time.Duration(i-3) * time.Minute)
		get(db.CreateCode(ctx, c))(t)
	}
	in := store.Sweep{Now: now, CodeKeep: time.Minute, Batch: 2}
	for range 3 {
		get(db.Sweep(ctx, in))(t)
	}
	missing(t, "an expired session", drop(db.SessionByCookie(ctx, "cookie s0")))
	equal(t, "sessions", sessions(t, db), []string{"s1"})
	for i, kept := range []bool{false, false, false, true, true} {
		_, err := db.Code(ctx, fmt.Sprint("c", i))
		equal(t, fmt.Sprint("code ", i, " is kept"), err == nil, kept)
	}
}

// raceRedeem: one wins, and each of the others is told apart from it and ends what it won.
func raceRedeem(t *testing.T, db *store.DB) {
	populate(t, db)
	signIn(t, db, "s1")
	get(db.CreateCode(t.Context(), code("c")))(t)
	outcomes := race(t, 50, func(int) (store.Redeemed, error) { return db.RedeemCode(t.Context(), redemption("c")) })
	equal(t, "spent", count(outcomes, store.CodeSpent), 1)
	equal(t, "replayed", count(outcomes, store.CodeReplayed), 49)
	equal(t, "live", live(t, db), nil)
	equal(t, "feed", revoked(t, db), []string{"grant g of c"})
}

// raceRedeemEnd: whoever signs out leaves no authorization behind that is not to outlive the session.
func raceRedeemEnd(t *testing.T, db *store.DB) {
	redeemWhile(t, db, func() error {
		return drop(db.EndSessions(t.Context(), store.SessionEnd{UserID: "u-john", ID: "s1", Now: now, Until: until}))
	})
}

func raceRedeemPassword(t *testing.T, db *store.DB) {
	redeemWhile(t, db, func() error { return drop(db.SetPassword(t.Context(), "u-john", "new hash", now, until)) })
}

// redeemWhile lets something end all that codes become while they are redeemed: nothing is left.
func redeemWhile(t *testing.T, db *store.DB, end func() error) {
	t.Helper()
	populate(t, db)
	signIn(t, db, "s1")
	for i := range 50 {
		get(db.CreateCode(t.Context(), code(fmt.Sprint("c", i))))(t)
	}
	race(t, 50, func(i int) (store.Redeemed, error) {
		if i == 25 {
			return 0, end()
		}
		return db.RedeemCode(t.Context(), redemption(fmt.Sprint("c", i)))
	})
	equal(t, "live", live(t, db), nil)
}
