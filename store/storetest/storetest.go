// Package storetest is what any database under the store must promise.
package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

// Run runs all cases. open returns an empty, migrated database of its own at each call, and closes
// it when the test that it is given ends.
func Run(t *testing.T, open func(t *testing.T) *store.DB) {
	for name, test := range map[string]func(*testing.T, *store.DB){
		"schema":      testSchema,
		"context":     testContext,
		"closed":      testClosed,
		"users":       testUsers,
		"logins":      testLogins,
		"taken":       testTakenUsers,
		"passwords":   testPasswords,
		"disable":     testDisable,
		"delete user": testDeleteUser,
		"clients":     testClients,
		"delete":      testDeleteClient,
		"grants":      testGrants,
		"create":      testCreateGrant,
		"create many": testCreateGrants,
		"revoke":      testRevoke,
		"feed":        testRevocations,
		"lives":       testAccessLives,
		"keys":        testKeys,
		"sealed keys": testSealedKeys,
		"reseal":      testReseal,
		"reseal race": testResealRace,
		"items":       testItems,
		"sessions":    testSessions,
		"end":         testEndSessions,
		"most":        testMostSessions,
		"change":      testChangePassword,
		"signed out":  testChangesEndSessions,
		"consents":    testConsents,
		"codes":       testCodes,
		"redeem":      testRedeem,
		"sweep codes": testSweepExpired,
		"limits":      testLimits,
		"all or none": testTakeAllOrNone,
		"set back":    testClockSetBack,
		"places":      testPlaces,
		"forgotten":   testForgottenPlaces,
		"sweep":       testSweep,
		"batches":     testSweepBatches,
		"oldest":      testSweepOldestRevocations,
		"sweep keys":  testSweepKeys,
		"events":      testEvents,
		"find events": testFindEvents,
		"prune":       testPruneEvents,
		"heads":       testKnownHeads,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	t.Run("rotate", func(t *testing.T) { testRotate(t, open) })
	t.Run("race", func(t *testing.T) { testRaces(t, open) })
}

// The time of all tests. Nothing in the store asks a clock.
var now = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

var (
	later = now.Add(time.Minute)
	until = now.Add(15 * time.Minute) // the end of an access token's life
)

func johndoe() store.User {
	return store.User{
		ID: "u-john", Username: "johndoe", Email: "johndoe@example.com", FullName: "John Doe",
		PasswordHash: "hash", Scopes: []string{"me", "items"}, CreatedAt: now,
	}
}

func app(id string) store.Client {
	return store.Client{
		ID: id, Name: "App " + id, SecretHash: []byte{0, 1, 255}, Grants: []string{"password", "refresh_token"},
		Scopes: []string{"me", "items"}, DefaultScopes: []string{"me"},
		RedirectURIs: []string{"http://127.0.0.1/callback"}, Introspect: true, CreatedAt: now,
		Kind: store.WebClient, FirstParty: true, PKCEOptional: true, RequiredScopes: []string{"me"},
		Origins: []string{"https://app.example"}, LogoutURIs: []string{"https://app.example/out"},
		BackchannelURI: "https://app.example/logout", IDTokenAlg: "ES256",
		OldSecretHash: []byte{9, 0, 1}, OldSecretUntil: later,
	}
}

// grant is an authorization of johndoe in the midst of its life.
func grant(id, clientID string) store.Grant {
	return store.Grant{
		ID: id, ClientID: clientID, UserID: "u-john", Scope: []string{"me", "items"}, Generation: 5,
		AuthTime: now.Add(-2 * time.Hour), CreatedAt: now.Add(-time.Hour), RotatedAt: now.Add(-time.Minute),
		ExpiresAt: now.Add(time.Hour), MaxExpiresAt: now.Add(24 * time.Hour),
		SessionID: "s1", Audience: []string{"https://api.example"}, Claims: `{"userinfo":{}}`, UsedFrom: "192.0.2.1",
	}
}

// rotation refreshes grant(id, "app") with the token that counts.
func rotation(id string) store.Rotation {
	return store.Rotation{
		ID: id, ClientID: "app", UserID: "u-john", Generation: 5, Now: now,
		IdleTTL: 2 * time.Hour, Grace: 30 * time.Second, Until: until, From: "2001:db8::1",
	}
}

// populate adds johndoe and the client app, and authorizations with those ids.
func populate(t testing.TB, db *store.DB, grants ...string) {
	t.Helper()
	must(t, db.CreateUser(t.Context(), johndoe()))
	must(t, db.CreateClient(t.Context(), app("app")))
	for _, id := range grants {
		addGrant(t, db, grant(id, "app"))
	}
}

func addGrant(t testing.TB, db *store.DB, g store.Grant) {
	t.Helper()
	if created := get(db.CreateGrant(t.Context(), g, ""))(t); !created {
		t.Fatalf("authorization %s was not created", g.ID)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get takes the error out of a call: get(db.User(ctx, id))(t).
func get[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// revoked returns the feed, as "kind id".
func revoked(t testing.TB, db *store.DB) (feed []string) {
	t.Helper()
	for _, r := range get(db.Revocations(t.Context(), time.Time{}, now))(t) {
		feed = append(feed, string(r.Kind)+" "+r.ID)
	}
	slices.Sort(feed)
	return feed
}

func live(t testing.TB, db *store.DB) (ids []string) {
	t.Helper()
	for _, g := range get(db.Grants(t.Context(), store.GrantFilter{Now: now}))(t) {
		ids = append(ids, g.ID)
	}
	return ids
}

// race calls f from n goroutines that start together, and returns what they got.
func race[T any](t testing.TB, n int, f func(i int) (T, error)) []T {
	t.Helper()
	got, errs := make([]T, n), make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			got[i], errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	for _, err := range errs {
		must(t, err)
	}
	return got
}

func count[T comparable](all []T, want T) (n int) {
	for _, v := range all {
		if v == want {
			n++
		}
	}
	return n
}
