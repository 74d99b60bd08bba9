package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

func testGrants(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db, "g1", "g3")
	must(t, db.CreateClient(ctx, app("other")))
	must(t, db.CreateUser(ctx, store.User{ID: "u-ann", Username: "ann"}))
	expired, ended, foreign := grant("g0", "app"), grant("g2", "app"), grant("g5", "app")
	expired.ExpiresAt, ended.RevokedAt, foreign.UserID = now, now, "u-ann"
	for _, g := range []store.Grant{expired, ended, grant("g4", "other"), foreign} {
		addGrant(t, db, g)
		equal(t, "authorization as it was added", get(db.Grant(ctx, g.ID))(t), g)
	}
	for _, c := range []struct {
		name   string
		filter store.GrantFilter
		want   string
	}{
		{"all", store.GrantFilter{}, "g1 g3 g4 g5 "},
		{"of a user", store.GrantFilter{UserID: "u-john"}, "g1 g3 g4 "},
		{"of a client", store.GrantFilter{ClientID: "app"}, "g1 g3 g5 "},
		{"of both", store.GrantFilter{UserID: "u-john", ClientID: "app"}, "g1 g3 "},
		{"one page", store.GrantFilter{Limit: 2}, "g1 g3 "},
		{"the next page", store.GrantFilter{UserID: "u-john", After: "g1", Limit: 2}, "g3 g4 "},
		{"of nobody", store.GrantFilter{UserID: "nobody"}, ""},
	} {
		c.filter.Now = now
		ids := ""
		for _, g := range get(db.Grants(ctx, c.filter))(t) {
			ids += g.ID + " "
		}
		equal(t, "authorizations "+c.name, ids, c.want)
	}
	missing(t, "Grant", drop(db.Grant(ctx, "nothing")))
}

func testCreateGrant(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db)
	for _, c := range []struct {
		name, id, client, user, hash string
		want                         bool
	}{
		{"the hash that was checked", "g1", "app", "u-john", "hash", true},
		{"the same id", "g1", "app", "u-john", "hash", false},
		{"any hash", "g2", "app", "u-john", "", true},
		{"a hash that has changed", "g3", "app", "u-john", "old", false},
		{"no such client", "g4", "nothing", "u-john", "hash", false},
		{"no such user", "g5", "app", "nobody", "hash", false},
	} {
		g := grant(c.id, c.client)
		g.UserID = c.user
		equal(t, c.name, get(db.CreateGrant(ctx, g, c.hash))(t), c.want)
	}
	equal(t, "authorizations", live(t, db), []string{"g1", "g2"})

	for _, g := range []store.Grant{
		{ID: "x", ClientID: "app", UserID: "u-john", ExpiresAt: later},
		{ID: "x", ClientID: "app", UserID: "u-john", MaxExpiresAt: later},
		{ID: "x", ClientID: "app", UserID: "u-john", ExpiresAt: later, MaxExpiresAt: later, Generation: -1},
	} {
		if created, err := db.CreateGrant(ctx, g, ""); created || err == nil {
			t.Errorf("created %+v", g)
		}
	}
}

func testCreateGrants(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db)
	many := make([]store.Grant, 1003) // no round number of statements
	for i := range many {
		many[i] = grant(fmt.Sprintf("g%04d", i), "app")
	}
	must(t, db.CreateGrants(ctx, many))
	equal(t, "all that were added", get(db.Grants(ctx, store.GrantFilter{Now: now}))(t), many)
	if err := db.CreateGrants(ctx, []store.Grant{grant("new", "app"), many[0]}); err == nil {
		t.Error("an id that is taken was added again")
	}
	missing(t, "an authorization beside one that could not be added", drop(db.Grant(ctx, "new")))
}

func testRevoke(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db, "g1", "g2", "g3")
	must(t, db.CreateClient(ctx, app("other")))
	addGrant(t, db, grant("g4", "other"))
	equal(t, "first", get(db.RevokeGrant(ctx, "g1", now, until))(t), true)
	equal(t, "second", get(db.RevokeGrant(ctx, "g1", later, until.Add(time.Hour)))(t), false)
	equal(t, "what is not there", get(db.RevokeGrant(ctx, "nothing", now, until))(t), false)
	equal(t, "revoked at", get(db.Grant(ctx, "g1"))(t).RevokedAt, now)
	equal(t, "feed", get(db.Revocations(ctx, now, now))(t),
		[]store.Revocation{{Kind: store.RevokedGrant, ID: "g1", RevokedAt: now, ExpiresAt: until}})

	// After and Limit are for listing: a revocation that stops half-way would be a trap.
	f := store.GrantFilter{UserID: "u-john", ClientID: "app", After: "g2", Limit: 1, Now: now}
	equal(t, "of a user and client", get(db.RevokeGrants(ctx, f, until))(t), 2)
	equal(t, "left", live(t, db), []string{"g4"})
	equal(t, "all", get(db.RevokeGrants(ctx, store.GrantFilter{Now: now}, until))(t), 1)
	equal(t, "feed", revoked(t, db), []string{"grant g1", "grant g2", "grant g3", "grant g4"})
}

func testRevocations(t *testing.T, db *store.DB) {
	ctx := t.Context()
	must(t, db.RevokeToken(ctx, "j1", now, until))
	must(t, db.RevokeToken(ctx, "j2", later, until))
	must(t, db.RevokeToken(ctx, "j1", now.Add(-time.Hour), later)) // never forgotten sooner
	// Each time it is news, whatever the clock says: who polls would take it for the same.
	again := now.Add(time.Millisecond)
	j1 := store.Revocation{Kind: store.RevokedToken, ID: "j1", RevokedAt: again, ExpiresAt: until}
	j2 := store.Revocation{Kind: store.RevokedToken, ID: "j2", RevokedAt: later, ExpiresAt: until}
	equal(t, "since the start", get(db.Revocations(ctx, time.Time{}, now))(t), []store.Revocation{j1, j2})
	equal(t, "since later", get(db.Revocations(ctx, later, now))(t), []store.Revocation{j2})
	equal(t, "since after that", get(db.Revocations(ctx, later.Add(time.Millisecond), now))(t), nil)
	equal(t, "once they expired", get(db.Revocations(ctx, time.Time{}, until))(t), nil)

	must(t, db.RevokeToken(ctx, "j1", later, until.Add(time.Hour)))
	j1.RevokedAt, j1.ExpiresAt = later, until.Add(time.Hour)
	equal(t, "prolonged", get(db.Revocations(ctx, time.Time{}, until))(t), []store.Revocation{j1, j2}[:1])

	must(t, db.RevokeToken(ctx, "g", now, until)) // of that name, but no authorization
	equal(t, "of one access token", len(get(db.RevocationsOf(ctx, "j1", "g", "app"))(t)), 1)
	equal(t, "of another", get(db.RevocationsOf(ctx, "j", "j1", "j1"))(t), nil)
}
