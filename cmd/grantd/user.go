package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

// page is how many rows a list reads at a time.
const page = 500

func (a *app) userCommand() *cobra.Command {
	onOne := func(use, short string, do func(context.Context, admin, store.User) error) *cobra.Command {
		return databaseCommand(use+" USERNAME", short, one("user"), a.onDatabase(onUser(do)))
	}
	return group("user", "Manage users",
		a.userAddCommand(),
		databaseCommand("list", "List users", noArgs, a.onDatabase(a.userList)),
		onOne("show", "Show a user", a.userShow),
		onOne("set-password", "Set a password, from a prompt or standard input; ends the user's authorizations", a.userSetPassword),
		onOne("unlock", "Forget the wrong passwords that were counted for a user, who may log in from anywhere again", a.userUnlock),
		onOne("enable", "Let a disabled user log in again", a.userEnable),
		onOne("disable", "Refuse a user; ends the user's authorizations", a.userDisable),
		onOne("delete", "Delete a user with all authorizations and items", a.userDelete),
		databaseCommand("import [FILE]", "Read users as JSON lines, with the password hashes of another system", atMostOne("file"), a.onDatabase(a.userImport)),
	)
}

// userView is what commands print of a user.
type userView struct {
	ID       string   `json:"id"`
	Username string   `json:"username"`
	Email    string   `json:"email"`
	FullName string   `json:"full_name"`
	Scopes   []string `json:"scopes"` // null: all
	Disabled bool     `json:"disabled"`
	Created  string   `json:"created_at"`
}

func viewUser(u store.User) userView {
	return userView{u.ID, u.Username, u.Email, u.FullName, u.Scopes, !u.DisabledAt.IsZero(), when(u.CreatedAt)}
}

func (v userView) scopes() string {
	if v.Scopes == nil {
		return "(all)"
	}
	return strings.Join(v.Scopes, " ")
}

func (v userView) state() string {
	if v.Disabled {
		return "disabled"
	}
	return "enabled"
}

func (a *app) userList(ctx context.Context, ad admin, _ []string) error {
	views, rows := []userView{}, [][]string{}
	for after := ""; ; {
		users, err := ad.db.Users(ctx, after, page)
		if err != nil {
			return err
		}
		for _, u := range users {
			v := viewUser(u)
			views = append(views, v)
			rows = append(rows, []string{v.Username, v.Email, v.FullName, v.scopes(), v.state(), v.ID})
		}
		if len(users) < page {
			break
		}
		after = users[len(users)-1].Username
	}
	return a.table(views, []string{"USERNAME", "EMAIL", "FULL NAME", "SCOPES", "STATE", "ID"}, rows)
}

// userNamed finds the user that an argument names, by username or email.
func userNamed(ctx context.Context, ad admin, name string) (store.User, error) {
	u, err := ad.db.UserByLogin(ctx, name)
	if errors.Is(err, store.ErrNotFound) { // log and audit call users by their ids
		u, err = ad.db.User(ctx, name)
	}
	if errors.Is(err, store.ErrNotFound) {
		return u, fmt.Errorf("there is no user %q; \"grantd user list\" shows all", name)
	}
	return u, err
}

func (a *app) userShow(_ context.Context, _ admin, u store.User) error {
	v := viewUser(u)
	return a.fields(v, "username", v.Username, "email", v.Email, "full name", v.FullName, "scopes", v.scopes(),
		"state", v.state(), "created", v.Created, "id", v.ID)
}
