package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

// session is johndoe's, used a minute ago.
func session(id string) store.Session {
	return store.Session{
		ID: id, Cookie: "cookie " + id, UserID: "u-john", AuthTime: now.Add(-time.Hour), CreatedAt: now.Add(-time.Hour),
		SeenAt: now.Add(-time.Minute), ExpiresAt: now.Add(time.Hour), MaxExpiresAt: now.Add(3 * time.Hour), Agent: "Browser/1.0", Address: "192.0.2.1",
	}
}

func signIn(t testing.TB, db *store.DB, ids ...string) {
	t.Helper()
	for _, id := range ids {
		equal(t, "signed in", get(db.PutSession(t.Context(), session(id), "hash"))(t), true)
	}
}

func sessions(t testing.TB, db *store.DB) (ids []string) {
	t.Helper()
	for _, s := range get(db.Sessions(t.Context(), "u-john", now))(t) {
		ids = append(ids, s.ID)
	}
	return ids
}

func testSessions(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db)
	must(t, db.CreateUser(ctx, store.User{ID: "u-ann", Username: "ann", PasswordHash: "hers"}))
	signIn(t, db, "s2", "s1")
	equal(t, "session as it was added", get(db.SessionByCookie(ctx, "cookie s1"))(t), session("s1"))
	equal(t, "sessions", sessions(t, db), []string{"s1", "s2"})
	missing(t, "SessionByCookie of an id", drop(db.SessionByCookie(ctx, "s1")))

	old := session("s3")
	equal(t, "with another password", get(db.PutSession(ctx, old, "old hash"))(t), false)
	equal(t, "without a password", get(db.PutSession(ctx, old, ""))(t), false)
	old.UserID = "nobody"
	equal(t, "of nobody", get(db.PutSession(ctx, old, "hash"))(t), false)
	theft := session("s1")
	theft.UserID, theft.Cookie = "u-ann", "planted"
	equal(t, "renewed by another user", get(db.RenewSession(ctx, theft, "hers"))(t), false)
	equal(t, "put by another user", get(db.PutSession(ctx, theft, "hers"))(t), false)

	again := session("s1")
	again.Cookie, again.AuthTime, again.ExpiresAt, again.MaxExpiresAt, again.Address = "new", now, now.Add(2*time.Hour), now.Add(4*time.Hour), "192.0.2.2"
	equal(t, "renewed with another password", get(db.RenewSession(ctx, again, "old hash"))(t), false)
	equal(t, "renewed", get(db.RenewSession(ctx, again, "hash"))(t), true)
	equal(t, "session as it was renewed", get(db.SessionByCookie(ctx, "new"))(t), again)
	missing(t, "SessionByCookie of the old cookie", drop(db.SessionByCookie(ctx, "cookie s1")))

	must(t, db.TouchSession(ctx, "s2", now, 2*time.Hour, "192.0.2.3"))
	s := get(db.SessionByCookie(ctx, "cookie s2"))(t)
	equal(t, "touched", []any{s.SeenAt, s.ExpiresAt, s.Address}, []any{now, now.Add(2 * time.Hour), "192.0.2.3"})
	must(t, db.TouchSession(ctx, "s2", now.Add(time.Hour), 24*time.Hour, ""))
	equal(t, "no further than the end", get(db.SessionByCookie(ctx, "cookie s2"))(t).ExpiresAt, now.Add(3*time.Hour))
	must(t, db.TouchSession(ctx, "s2", now.Add(3*time.Hour), time.Hour, "late"))
	equal(t, "an expired one stays so", get(db.SessionByCookie(ctx, "cookie s2"))(t).SeenAt, now.Add(time.Hour))
	ended := session("s0")
	signIn(t, db, ended.ID)
	get(db.EndSessions(ctx, store.SessionEnd{UserID: "u-john", ID: ended.ID, Now: now, Until: until}))(t)
	equal(t, "renewed when it had ended", get(db.RenewSession(ctx, ended, "hash"))(t), false)
	equal(t, "live then", len(get(db.Sessions(ctx, "u-john", now.Add(3*time.Hour)))(t)), 0)

	for _, broken := range []store.Session{{}, {ID: "x", Cookie: "x", ExpiresAt: now}, {ID: "x", Cookie: "x", MaxExpiresAt: now}, {ID: "x", ExpiresAt: now, MaxExpiresAt: now}} {
		for _, write := range []func(context.Context, store.Session, string) (bool, error){db.PutSession, db.RenewSession} {
			if written, err := write(ctx, broken, "hash"); written || err == nil {
				t.Errorf("written %+v", broken)
			}
		}
	}
}

// began makes an authorization of a session with that scope.
func began(t testing.TB, db *store.DB, id, session string, scope ...string) {
	t.Helper()
	g := grant(id, "app")
	g.SessionID, g.Scope = session, scope
	addGrant(t, db, g)
}

func testEndSessions(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db)
	must(t, db.CreateClient(ctx, app("other")))
	signIn(t, db, "s1", "s2", "s3")
	for _, id := range []string{"other", "app", "app"} {
		equal(t, "joined", get(db.JoinSession(ctx, "s1", id))(t), true)
	}
	equal(t, "joined what is not there", get(db.JoinSession(ctx, "s9", "app"))(t), false)
	get(db.JoinSession(ctx, "s2", "app"))(t)
	began(t, db, "online", "s1", "openid", "me")
	began(t, db, "offline", "s1", "openid", "offline_access")
	began(t, db, "no openid", "s1", "me")
	began(t, db, "elsewhere", "s2", "openid")
	for _, id := range []string{"c1", "c2"} {
		equal(t, "code", get(db.CreateCode(ctx, code(id)))(t), true)
	}
	get(db.RedeemCode(ctx, redemption("c2")))(t)

	ended := get(db.EndSessions(ctx, store.SessionEnd{UserID: "u-ann", ID: "s1", Now: now, Until: until}))(t)
	equal(t, "by another user", ended, store.EndedSessions{})
	equal(t, "sessions", sessions(t, db), []string{"s1", "s2", "s3"})

	ended = get(db.EndSessions(ctx, store.SessionEnd{UserID: "u-john", ID: "s1", Now: now, Until: until}))(t)
	slices.Sort(ended.Grants)
	equal(t, "ended", ended, store.EndedSessions{
		IDs: []string{"s1"}, Told: []store.ToldSession{{ID: "s1", ClientID: "app"}, {ID: "s1", ClientID: "other"}}, Grants: []string{"g of c2", "online"},
	})
	equal(t, "left", sessions(t, db), []string{"s2", "s3"})
	equal(t, "feed", revoked(t, db), []string{"grant g of c2", "grant online"})
	equal(t, "code under way", get(db.RedeemCode(ctx, redemption("c1")))(t), store.CodeUnknown)
	equal(t, "code for a session that has ended", get(db.CreateCode(ctx, code("c3")))(t), false)
	equal(t, "code used before", get(db.RedeemCode(ctx, redemption("c2")))(t), store.CodeReplayed)

	ended = get(db.EndSessions(ctx, store.SessionEnd{UserID: "u-john", Except: "s3", Now: now, Until: until}))(t)
	equal(t, "all but one", ended, store.EndedSessions{IDs: []string{"s2"}, Told: []store.ToldSession{{ID: "s2", ClientID: "app"}}, Grants: []string{"elsewhere"}})
	equal(t, "left", sessions(t, db), []string{"s3"})
}

// testMostSessions: whoever signs in again and again loses the sessions that were not used longest.
func testMostSessions(t *testing.T, db *store.DB) {
	populate(t, db)
	for i := range store.MostSessions + 2 {
		s := session(fmt.Sprint("s", i))
		s.SeenAt = now.Add(-time.Duration(i) * time.Second)
		if i == store.MostSessions+1 {
			s.SeenAt = now
		}
		equal(t, "signed in", get(db.PutSession(t.Context(), s, "hash"))(t), true)
	}
	left := sessions(t, db)
	equal(t, "sessions", len(left), store.MostSessions)
	for _, gone := range []string{fmt.Sprint("s", store.MostSessions), fmt.Sprint("s", store.MostSessions-1)} {
		equal(t, gone+" is left", slices.Contains(left, gone), false)
	}
}

func change(session string, renewed store.Session) store.PasswordChange {
	return store.PasswordChange{SessionID: session, OldHash: "hash", NewHash: "new hash", Renewed: renewed, Now: now, Until: until}
}

func testChangePassword(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db, "g1")
	must(t, db.CreateUser(ctx, store.User{ID: "u-ann", Username: "ann", PasswordHash: "hash"}))
	signIn(t, db, "s1", "s2")
	get(db.JoinSession(ctx, "s2", "app"))(t)
	get(db.CreateCode(ctx, code("c1")))(t)
	hers := session("s3")
	hers.UserID = "u-ann"
	nobody := session("s3")
	nobody.UserID = "nobody"
	wrong := change("s1", session("s3"))
	wrong.OldHash = "old hash"
	for name, in := range map[string]store.PasswordChange{
		"in a session that has ended":    change("s9", session("s3")),
		"in another user's session":      change("s1", hers),
		"of nobody":                      change("s1", nobody),
		"after another password was set": wrong,
	} {
		equal(t, name, get(db.ChangePassword(ctx, in))(t), store.PasswordChanged{})
	}
	equal(t, "sessions", sessions(t, db), []string{"s1", "s2"})
	equal(t, "live", live(t, db), []string{"g1"})

	out := get(db.ChangePassword(ctx, change("s1", session("s3"))))(t)
	equal(t, "changed", out, store.PasswordChanged{Done: true, Grants: 1, Sessions: store.EndedSessions{
		IDs: []string{"s1", "s2"}, Told: []store.ToldSession{{ID: "s2", ClientID: "app"}},
	}})
	equal(t, "hash", get(db.User(ctx, "u-john"))(t).PasswordHash, "new hash")
	equal(t, "sessions", sessions(t, db), []string{"s3"})
	equal(t, "live", live(t, db), nil)
	missing(t, "Code", drop(db.Code(ctx, "c1")))

	get(db.DisableUser(ctx, "u-john", now, until))(t)
	in := change("s3", session("s4"))
	in.OldHash = "new hash"
	equal(t, "of a disabled user", get(db.ChangePassword(ctx, in))(t), store.PasswordChanged{})
}

// raceChange: of many who change the password in different browsers one does, and who sets it meanwhile wins.
func raceChange(t *testing.T, db *store.DB) {
	populate(t, db)
	for i := range 50 {
		signIn(t, db, fmt.Sprint("s", i))
	}
	done := race(t, 50, func(i int) (bool, error) {
		if i == 25 {
			_, err := db.SetPassword(t.Context(), "u-john", "operator's", now, until)
			return false, err
		}
		out, err := db.ChangePassword(t.Context(), change(fmt.Sprint("s", i), session(fmt.Sprint("new ", i))))
		return out.Done, err
	})
	if n := count(done, true); n > 1 {
		t.Errorf("changed %d times", n)
	}
	equal(t, "hash", get(db.User(t.Context(), "u-john"))(t).PasswordHash, "operator's")
	equal(t, "sessions", sessions(t, db), nil)
}

// testChangesEndSessions: nobody whom an operator or a new password shut out stays signed in, or has
// a code left.
func testChangesEndSessions(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db)
	for name, change := range map[string]func() (int, error){
		"new password": func() (int, error) { return db.SetPassword(ctx, "u-john", "hash", now, until) },
		"disabled":     func() (int, error) { return db.DisableUser(ctx, "u-john", now, until) },
		"deleted":      func() (int, error) { return db.DeleteUser(ctx, "u-john", now, until) },
	} {
		must(t, db.EnableUser(ctx, "u-john"))
		signIn(t, db, "s1")
		equal(t, name+": code", get(db.CreateCode(ctx, code("c")))(t), true)
		get(change())(t)
		equal(t, name+": sessions", sessions(t, db), nil)
		missing(t, name+": code", drop(db.Code(ctx, "c")))
		if name == "deleted" {
			must(t, db.CreateUser(ctx, johndoe()))
			continue
		}
		equal(t, name+": signed in", get(db.PutSession(ctx, session("s2"), "hash"))(t), name != "disabled")
		get(db.SetPassword(ctx, "u-john", "hash", now, until))(t)
	}
}

func raceSession(t *testing.T, db *store.DB) {
	populate(t, db)
	race(t, 50, func(i int) (bool, error) {
		if i == 25 {
			_, err := db.SetPassword(t.Context(), "u-john", "new hash", now, until)
			return false, err
		}
		return db.PutSession(t.Context(), session(string(rune('A'+i))), "hash")
	})
	equal(t, "signed in with the old password", sessions(t, db), nil)
}

// raceSignOut lets all that ends sessions and authorizations meet: they wait for each other, in one order.
func raceSignOut(t *testing.T, db *store.DB) {
	populate(t, db, "g1", "g2")
	signIn(t, db, "s1", "s2", "s3")
	for i := range 10 {
		get(db.CreateCode(t.Context(), code(fmt.Sprint("c", i))))(t)
	}
	race(t, 50, func(i int) (bool, error) {
		ctx := t.Context()
		switch i % 5 {
		case 0:
			return true, drop(db.EndSessions(ctx, store.SessionEnd{UserID: "u-john", Now: now, Until: until}))
		case 1:
			return true, drop(db.ForgetConsents(ctx, "u-john", "", now, until))
		case 2:
			return true, drop(db.RedeemCode(ctx, redemption(fmt.Sprint("c", i/5))))
		case 3:
			return true, drop(db.ChangePassword(ctx, change("s3", session("s4"))))
		}
		return true, drop(db.SetPassword(ctx, "u-john", "hash", now, until))
	})
	equal(t, "sessions", len(sessions(t, db)) <= 1, true)
}
