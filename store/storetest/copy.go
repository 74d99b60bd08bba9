package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

// RunCopy runs all cases of copying from one kind of database to another. Each of the two returns
// an empty database of its own at each call; only the source has to be migrated.
func RunCopy(t *testing.T, source, target func(t *testing.T) *store.DB) {
	for name, test := range map[string]func(t *testing.T, from, to *store.DB){
		"everything":               copyEverything,
		"again":                    copyAgain,
		"interrupted":              copyInterrupted,
		"written meanwhile":        copyWrittenMeanwhile,
		"target harmed meanwhile":  copyTargetHarmed,
		"unfinished is not served": copyUnfinished,
		"served":                   copyServed,
		"served while empty":       copyServedEmpty,
		"somebody else's":          copyForeign,
		"two at once":              copyTwoAtOnce,
	} {
		t.Run(name, func(t *testing.T) { test(t, source(t), target(t)) })
	}
	t.Run("onto itself", func(t *testing.T) {
		db := source(t)
		refused(t, db, db, "it is the source itself")
	})
	t.Run("of two sources", func(t *testing.T) {
		to := target(t)
		one, other := source(t), source(t)
		fill(t, one)
		fill(t, other)
		wantCopied(t, one, to)
		refused(t, other, to, "has rows in users, clients, grants, revocations, signing_keys, sealed_keys, access_lives, sessions, session_clients, consents, codes, audit_chains, audit_events, limits, known_places, items and is no copy of this source")
	})
	t.Run("taken over while empty", func(t *testing.T) {
		to := target(t)
		wantCopied(t, source(t), to)
		from := source(t)
		fill(t, from)
		wantCopied(t, from, to)
	})
}

// fill puts rows with each kind of value into every table.
func fill(t *testing.T, db *store.DB) {
	t.Helper()
	ctx := t.Context()
	populate(t, db, "g1", "g2", "G2", "ü", "g 'quoted'; --")
	must(t, db.CreateUser(ctx, store.User{ID: "u-ann", Username: "ann"})) // no email, all scopes, no time
	disabled := store.User{
		ID: "U-ANN", Username: "Ünal ☕ \U0001F600", FullName: "line\nbreak\ttab\\", Scopes: []string{},
		CreatedAt: time.UnixMilli(-1), DisabledAt: now,
	}
	must(t, db.CreateUser(ctx, disabled))
	must(t, db.CreateClient(ctx, store.Client{ID: "public"}))
	old := grant("old", "public")
	old.Generation, old.RevokedAt, old.AuthTime = 1<<62, now, time.Time{}
	addGrant(t, db, old)
	get(db.RevokeGrant(ctx, "g2", now, until))(t)
	must(t, db.RevokeToken(ctx, "g2", now, until))
	must(t, db.RevokeToken(ctx, "", now, time.UnixMilli(1<<62)))
	get(db.AddFirstSigningKey(ctx, key("k1", now)))(t)
	must(t, db.AddSigningKey(ctx, store.SigningKey{ID: "k2", Alg: "EdDSA", Public: []byte{}, Sealed: []byte{}}))
	must(t, db.AddSigningKey(ctx, store.SigningKey{ID: "k3", Alg: "HS256", Sealed: []byte{0}}))
	get(db.AddSealedKey(ctx, sealed("audit")))(t)
	must(t, db.NoteAccessLife(ctx, store.AccessLife{TTL: 90 * time.Second, UsedUntil: now}, now))
	signIn(t, db, "s1")
	get(db.JoinSession(ctx, "s1", "app"))(t)
	get(db.PutConsent(ctx, consent("app"), "s1"))(t)
	get(db.CreateCode(ctx, code("c1")))(t)
	get(db.CreateCode(ctx, code("c2")))(t)
	equal(t, "redeemed", get(db.RedeemCode(ctx, redemption("c2")))(t), store.CodeSpent)
	appendEvents(t, db, auditKey, event("grant.created", 0), event("token.issued", 1))
	appendEvents(t, db, nil, command("user.added", 2))
	equal(t, "taken", get(db.Take(ctx, now, bucket("b")))(t), store.Empty{})
	must(t, db.NotePlaces(ctx, "u-john", now, "here"))
	must(t, db.AddItem(ctx, "u-john", store.Item{ID: "Foo", CreatedAt: now}))
	must(t, db.AddItem(ctx, "u-ann", store.Item{ID: "Foo"}))
}

// wantCopied copies and wants the two to be equal and the target to be usable.
func wantCopied(t *testing.T, from, to *store.DB) []store.CopiedTable {
	t.Helper()
	tables := get(from.CopyTo(t.Context(), to, nil))(t)
	equal(t, "tables that differ", differing(tables), nil)
	must(t, to.Ready(t.Context()))
	return tables
}

func differing(tables []store.CopiedTable) (names []string) {
	for _, c := range tables {
		if !c.Equal() {
			names = append(names, c.Name)
		}
	}
	return names
}

// changed is how many rows a run wrote and removed.
func changed(tables []store.CopiedTable) (written, removed int) {
	for _, c := range tables {
		written, removed = written+c.Written, removed+c.Removed
	}
	return written, removed
}

func refused(t *testing.T, from, to *store.DB, why string) {
	t.Helper()
	if _, err := from.CopyTo(t.Context(), to, nil); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("got %v; want %q", err, why)
	}
}

func copyEverything(t *testing.T, from, to *store.DB) {
	fill(t, from)
	for _, c := range wantCopied(t, from, to) {
		if c.Source.Rows == 0 || c.Source.Rows != c.Written || c.Removed != 0 {
			t.Errorf("%+v", c)
		}
	}
	ctx := t.Context()
	equal(t, "users", get(to.Users(ctx, "", 0))(t), get(from.Users(ctx, "", 0))(t))
	equal(t, "clients", get(to.Clients(ctx, "", 0))(t), get(from.Clients(ctx, "", 0))(t))
	for _, id := range []string{"g1", "g2", "G2", "ü", "g 'quoted'; --", "old"} {
		equal(t, "grant "+id, get(to.Grant(ctx, id))(t), get(from.Grant(ctx, id))(t))
	}
	equal(t, "feed", get(to.Revocations(ctx, time.Time{}, now))(t), get(from.Revocations(ctx, time.Time{}, now))(t))
	equal(t, "lives", get(to.AccessLives(ctx))(t), get(from.AccessLives(ctx))(t))
	// As text: of an empty value some drivers make nil.
	equal(t, "keys", fmt.Sprint(get(to.SigningKeys(ctx))(t)), fmt.Sprint(get(from.SigningKeys(ctx))(t)))
	equal(t, "the first key", get(to.AddFirstSigningKey(ctx, key("k9", now)))(t), false)
	for _, user := range []string{"u-john", "u-ann"} {
		equal(t, "items", get(to.Items(ctx, user, "", 0))(t), get(from.Items(ctx, user, "", 0))(t))
	}
	equal(t, "sessions", get(to.Sessions(ctx, "u-john", now))(t), get(from.Sessions(ctx, "u-john", now))(t))
	equal(t, "consents", get(to.Consents(ctx, "u-john"))(t), get(from.Consents(ctx, "u-john"))(t))
	equal(t, "redeem", get(to.RedeemCode(ctx, redemption("c1")))(t), store.CodeSpent)
	equal(t, "redeem what was redeemed", get(to.RedeemCode(ctx, redemption("c2")))(t), store.CodeReplayed)
	equal(t, "refresh", get(to.RotateGrant(ctx, rotation("g1")))(t).Outcome, store.Rotated)
	equal(t, "refresh of what was revoked", get(to.RotateGrant(ctx, rotation("g2")))(t).Outcome, store.Revoked)
}

func copyAgain(t *testing.T, from, to *store.DB) {
	fill(t, from)
	must(t, from.Adopt(t.Context())) // which is no hindrance to a source, and is not copied
	wantCopied(t, from, to)
	written, removed := changed(wantCopied(t, from, to))
	equal(t, "changes at the second time", []int{written, removed}, []int{0, 0})

	// Each kind of change: a name with a new owner, rows that are gone with others behind them.
	ctx := t.Context()
	get(from.DeleteUser(ctx, "u-john", now, until))(t)
	again := johndoe()
	again.ID = "a-john"
	must(t, from.CreateUser(ctx, again))
	must(t, from.SetClientSecret(ctx, "app", nil, now, until))
	must(t, from.AddItem(ctx, "u-ann", store.Item{ID: "Bar"}))
	wantCopied(t, from, to)
	equal(t, "user", get(to.UserByLogin(ctx, "johndoe"))(t).ID, "a-john")
	equal(t, "feed", revoked(t, to), revoked(t, from))
}

// Interrupt cancels a copy when it has told its progress that many times, and tells whether it
// came to that.
func Interrupt(t *testing.T, from, to *store.DB, after int) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := from.CopyTo(ctx, to, func(string, int) {
		if after--; after < 0 {
			cancel()
		}
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	return err != nil
}

func copyInterrupted(t *testing.T, from, to *store.DB) {
	fill(t, from)
	for after := 0; Interrupt(t, from, to, after); after++ {
		for name, err := range map[string]error{"CheckSchema": to.CheckSchema(t.Context()), "Ready": to.Ready(t.Context()), "Adopt": to.Adopt(t.Context())} {
			if !errors.Is(err, store.ErrUnfinishedCopy) {
				t.Errorf("%s after %d steps: %v", name, after, err)
			}
		}
	}
	written, removed := changed(wantCopied(t, from, to))
	equal(t, "changes at the end", []int{written, removed}, []int{0, 0})
}

// during calls do while the last table is copied.
func during(do func()) func(string, int) {
	return func(table string, rows int) {
		if table == "items" && rows == 0 {
			do()
		}
	}
}

func copyWrittenMeanwhile(t *testing.T, from, to *store.DB) {
	fill(t, from)
	tables := get(from.CopyTo(t.Context(), to, during(func() {
		must(t, from.CreateUser(t.Context(), store.User{ID: "new", Username: "new"}))
		g := grant("new", "app")
		g.UserID = "new"
		addGrant(t, from, g)
		get(from.RevokeGrant(t.Context(), "g1", now, until))(t)
	})))(t)
	equal(t, "tables that differ", differing(tables), []string{"users", "grants", "revocations"})
	if err := to.CheckSchema(t.Context()); !errors.Is(err, store.ErrUnfinishedCopy) {
		t.Errorf("CheckSchema: %v", err)
	}
	written, _ := changed(wantCopied(t, from, to))
	equal(t, "written at the second time", written, 4)
	equal(t, "feed", revoked(t, to), revoked(t, from))
}

func copyTargetHarmed(t *testing.T, from, to *store.DB) {
	fill(t, from)
	tables := get(from.CopyTo(t.Context(), to, during(func() {
		get(to.RotateGrant(t.Context(), rotation("g1")))(t)
	})))(t)
	equal(t, "tables that differ", differing(tables), []string{"grants"})
	wantCopied(t, from, to)
}

func copyUnfinished(t *testing.T, from, to *store.DB) {
	fill(t, from)
	Interrupt(t, from, to, 3)
	refused(t, to, from, "the source: the database is an unfinished copy")
}

func copyServed(t *testing.T, from, to *store.DB) {
	fill(t, from)
	wantCopied(t, from, to)
	must(t, to.Adopt(t.Context()))
	must(t, to.Adopt(t.Context()))
	get(to.RotateGrant(t.Context(), rotation("g1")))(t)
	refused(t, from, to, servedText)
	must(t, to.Ready(t.Context()))
	equal(t, "generation", get(to.Grant(t.Context(), "g1"))(t).Generation, 6)
	refused(t, to, from, "is no copy of this source") // the way back leads to an empty database, too
	must(t, from.Ready(t.Context()))
}

const servedText = "the target: a server has run on it, and it may know what the source does not; name an empty database"

func copyServedEmpty(t *testing.T, from, to *store.DB) {
	fill(t, from)
	_, _, err := to.Migrate(t.Context())
	must(t, err)
	must(t, to.Adopt(t.Context()))
	refused(t, from, to, servedText)
	refused(t, from, to, servedText)
	must(t, to.Ready(t.Context()))
	equal(t, "users", len(get(to.Users(t.Context(), "", 0))(t)), 0)
}

func copyForeign(t *testing.T, from, to *store.DB) {
	fill(t, from)
	_, _, err := to.Migrate(t.Context())
	must(t, err)
	get(to.AddFirstSigningKey(t.Context(), key("theirs", now)))(t) // as a server does that starts on an empty one
	refused(t, from, to, "the target: it has rows in signing_keys and is no copy of this source; name an empty database")
	must(t, to.Ready(t.Context()))
	equal(t, "keys", len(get(to.SigningKeys(t.Context()))(t)), 1)
}

func copyTwoAtOnce(t *testing.T, from, to *store.DB) {
	fill(t, from)
	for _, tables := range race(t, 3, func(int) ([]store.CopiedTable, error) { return from.CopyTo(t.Context(), to, nil) }) {
		equal(t, "tables that differ", differing(tables), nil)
	}
	wantCopied(t, from, to)
}
