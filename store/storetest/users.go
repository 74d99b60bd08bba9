package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/grantd/grantd/store"
)

func testUsers(t *testing.T, db *store.DB) {
	ctx := t.Context()
	disabled := store.User{ID: "u-alice", Username: "Alice", Scopes: []string{}, CreatedAt: now, DisabledAt: later}
	all := store.User{ID: "u-bob", Username: "bob", CreatedAt: now}
	for _, u := range []store.User{johndoe(), disabled, all} {
		must(t, db.CreateUser(ctx, u))
		equal(t, "user as it was added", get(db.User(ctx, u.ID))(t), u)
	}
	equal(t, "users by name, from the start", get(db.Users(ctx, "", 2))(t), []store.User{disabled, all})
	equal(t, "users behind BOB", get(db.Users(ctx, "BOB", 2))(t), []store.User{johndoe()})
	equal(t, "all users", len(get(db.Users(ctx, "", 0))(t)), 3)
	missing(t, "User", drop(db.User(ctx, "nobody")))
	missing(t, "UserByLogin", drop(db.UserByLogin(ctx, "nobody")))
}

func missing(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s of what is not there: %v", what, err)
	}
}

func testLogins(t *testing.T, db *store.DB) {
	ctx := t.Context()
	must(t, db.CreateUser(ctx, johndoe()))
	must(t, db.CreateUser(ctx, store.User{ID: "u-mail", Username: "Ann@Example.com", Email: "ann@example.com"}))
	must(t, db.CreateUser(ctx, store.User{ID: "u-greek", Username: "Σίσυφος"}))
	for login, want := range map[string]string{
		"johndoe":             "u-john",
		"JohnDoe":             "u-john",
		"JOHNDOE@example.COM": "u-john",
		"ANN@example.com":     "u-mail",
		"ΣΊΣΥΦΟΣ":             "u-greek", // final sigma is a sigma
		"":                    "",
		"johndoe ":            "",
		"%":                   "",
		"john_oe":             "",
	} {
		u, err := db.UserByLogin(ctx, login)
		if want == "" {
			missing(t, "login "+login, err)
		} else if err != nil || u.ID != want {
			t.Errorf("login %q: %q, %v; want %q", login, u.ID, err, want)
		}
	}
	for _, u := range []store.User{
		{ID: "x"},
		{ID: "x", Username: "x@example.com"},
		{ID: "x", Username: "johndoe@example.com", Email: "x@example.com"}, // would log in as John
		{ID: "x", Username: "x", Email: "johndoe"},
	} {
		if err := db.CreateUser(ctx, u); err == nil || errors.As(err, new(*store.TakenError)) {
			t.Errorf("username %q, email %q: %v", u.Username, u.Email, err)
		}
	}
}

func testTakenUsers(t *testing.T, db *store.DB) {
	must(t, db.CreateUser(t.Context(), johndoe()))
	for _, c := range []struct {
		user  store.User
		field string
	}{
		{store.User{ID: "x", Username: "JOHNDOE"}, "username"},
		{store.User{ID: "x", Username: "JOHNDOE", Email: "johndoe@example.com"}, "username"},
		{store.User{ID: "x", Username: "x", Email: "JohnDoe@Example.com"}, "email"},
		{store.User{ID: "u-john", Username: "x"}, "id"},
	} {
		wantTaken(t, db.CreateUser(t.Context(), c.user), c.field)
	}
	for i := range 2 { // no email is not a value that could be taken
		must(t, db.CreateUser(t.Context(), store.User{ID: fmt.Sprint(i), Username: fmt.Sprint(i)}))
	}
}

func wantTaken(t *testing.T, err error, field string) {
	t.Helper()
	if taken := new(store.TakenError); !errors.As(err, &taken) || taken.Field != field {
		t.Errorf("got %v, want that %s is taken", err, field)
	}
}

func testPasswords(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db, "g1", "g2")
	must(t, db.ReplaceHash(ctx, "u-john", "hash", "rehashed"))
	must(t, db.ReplaceHash(ctx, "u-john", "hash", "too late"))
	equal(t, "hash after a rehash", get(db.User(ctx, "u-john"))(t).PasswordHash, "rehashed")
	equal(t, "authorizations after a rehash", live(t, db), []string{"g1", "g2"})

	equal(t, "ended", get(db.SetPassword(ctx, "u-john", "new", now, until))(t), 2)
	equal(t, "hash after a new password", get(db.User(ctx, "u-john"))(t).PasswordHash, "new")
	equal(t, "authorizations after a new password", live(t, db), nil)
	equal(t, "feed", revoked(t, db), []string{"grant g1", "grant g2"})
	equal(t, "ended again", get(db.SetPassword(ctx, "u-john", "newer", now, until))(t), 0)

	missing(t, "SetPassword", drop(db.SetPassword(ctx, "nobody", "h", now, until)))
	missing(t, "ReplaceHash", db.ReplaceHash(ctx, "nobody", "", "h"))
}

func testDisable(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db, "g1", "g2")
	dead := grant("g3", "app") // its last access token may be alive
	dead.ExpiresAt = now
	addGrant(t, db, dead)
	equal(t, "ended", get(db.DisableUser(ctx, "u-john", now, until))(t), 2)
	equal(t, "ended again", get(db.DisableUser(ctx, "u-john", later, until))(t), 0)
	equal(t, "disabled since the first time", get(db.User(ctx, "u-john"))(t).DisabledAt, now)
	equal(t, "feed", revoked(t, db), []string{"grant g1", "grant g2", "grant g3"})
	equal(t, "created for a disabled user", get(db.CreateGrant(ctx, grant("g4", "app"), "hash"))(t), false)

	must(t, db.EnableUser(ctx, "u-john"))
	equal(t, "user after enabling", get(db.User(ctx, "u-john"))(t), johndoe())
	equal(t, "authorizations after enabling", live(t, db), nil)
	missing(t, "DisableUser", drop(db.DisableUser(ctx, "nobody", now, until)))
	missing(t, "EnableUser", db.EnableUser(ctx, "nobody"))
}

func testDeleteUser(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db, "g1", "g2")
	must(t, db.AddItem(ctx, "u-john", store.Item{ID: "Foo", CreatedAt: now}))
	equal(t, "ended", get(db.DeleteUser(ctx, "u-john", now, until))(t), 2)
	missing(t, "User", drop(db.User(ctx, "u-john")))
	missing(t, "Grant", drop(db.Grant(ctx, "g1")))
	missing(t, "DeleteUser", drop(db.DeleteUser(ctx, "u-john", now, until)))
	equal(t, "items", get(db.Items(ctx, "u-john", "", 0))(t), nil)
	equal(t, "feed", revoked(t, db), []string{"grant g1", "grant g2"})
	equal(t, "outcome", get(db.RotateGrant(ctx, rotation("g1")))(t), store.RotateResult{})
	equal(t, "created for a deleted user", get(db.CreateGrant(ctx, grant("g3", "app"), ""))(t), false)
}
