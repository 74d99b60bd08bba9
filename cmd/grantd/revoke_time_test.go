package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

// slowTypist takes ten minutes to type, by the clock that it moves.
type slowTypist struct {
	text  *strings.Reader
	clock *time.Time
}

func (p slowTypist) Read(b []byte) (int, error) {
	*p.clock = p.clock.Add(10 * time.Minute)
	return p.text.Read(b)
}

// demoDatabase makes a database with the demo's rows and an authorization of johndoe.
func demoDatabase(t *testing.T, now time.Time) (*store.DB, string) {
	t.Helper()
	database := "sqlite:" + t.TempDir() + "/grantd.db"
	db, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := loadDemo(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	grant := store.Grant{
		ID: "G", ClientID: "dev", UserID: demoUsers[0].ID, Scope: []string{"me"}, Generation: 1,
		AuthTime: now, CreatedAt: now, RotatedAt: now, ExpiresAt: now.Add(time.Hour), MaxExpiresAt: now.Add(time.Hour),
	}
	if created, err := db.CreateGrant(t.Context(), grant, demoUsers[0].PasswordHash); err != nil || !created {
		t.Fatal(created, err)
	}
	return db, database
}

// onlyRevocation runs the command and returns the one revocation of that kind.
func onlyRevocation(t *testing.T, a *app, db *store.DB, kind store.RevocationKind, args ...string) (found store.Revocation) {
	t.Helper()
	var errs bytes.Buffer
	a.stdout, a.stderr = &bytes.Buffer{}, &errs
	if status := a.execute(t.Context(), args); status != exitOK {
		t.Fatalf("grantd %v: %d %s", args, status, errs.String())
	}
	rows, err := db.Revocations(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, r := range rows {
		if r.Kind == kind {
			found = r
			seen++
		}
	}
	if seen != 1 {
		t.Fatalf("grantd %v: revocations %v", args, rows)
	}
	return found
}

// A token that a client was issued while its deletion waited for the database,
// or by a request under way, was issued after the command began.
func TestDeletedClientsLateTokensAreRevoked(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Millisecond)
	db, database := demoDatabase(t, now)
	a := &app{clock: func() time.Time { return now }}
	got := onlyRevocation(t, a, db, store.RevokedClient, "client", "delete", "dev-service", "--database", database)
	if !got.RevokedAt.Equal(now.Add(30*time.Second)) || got.ExpiresAt.Before(got.RevokedAt.Add(longestAccess)) {
		t.Errorf("%v; want tokens issued up to half a minute after %v revoked, until they expire", got, now)
	}
}

// The revocations of set-password were dated before the prompt: a server whose
// polls look back five minutes never saw those of a person who took ten to type.
func TestRevocationsAreDatedAfterThePrompt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typed time.Duration
		args  []string
	}{
		{10 * time.Minute, []string{"user", "set-password", "johndoe"}},
		{0, []string{"user", "disable", "johndoe"}},
		{0, []string{"user", "delete", "johndoe"}},
		{0, []string{"grant", "revoke", "G"}},
		{0, []string{"grant", "revoke", "--user", "johndoe"}},
	} {
		start := time.Now().Truncate(time.Millisecond)
		now := start
		db, database := demoDatabase(t, start)
		a := &app{clock: func() time.Time { return now }, stdin: slowTypist{strings.NewReader(password + "\n"), &now}}
		got := onlyRevocation(t, a, db, store.RevokedGrant, append(c.args, "--database", database)...)
		if want := start.Add(c.typed); !got.RevokedAt.Equal(want) || !got.ExpiresAt.Equal(until(want)) {
			t.Errorf("grantd %v: %v; want it dated %v", c.args, got, want)
		}
	}
}
