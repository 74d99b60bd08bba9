package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/resource"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

const page = 500

func (a *app) userCommand() *cobra.Command {
	one := cobra.ExactArgs(1)
	return group("user", "Manage users",
		a.userAddCommand(),
		databaseCommand("list", "List users", cobra.NoArgs, a.onDatabase(a.userList)),
		databaseCommand("show USERNAME", "Show a user", one, a.onDatabase(a.userShow)),
		databaseCommand("set-password USERNAME", "Set a password, from a prompt or standard input; ends the user's authorizations", one, a.onDatabase(a.userSetPassword)),
		databaseCommand("enable USERNAME", "Let a disabled user log in again", one, a.onDatabase(a.userEnable)),
		databaseCommand("disable USERNAME", "Refuse a user; ends the user's authorizations", one, a.onDatabase(a.userDisable)),
		databaseCommand("delete USERNAME", "Delete a user with all authorizations and items", one, a.onDatabase(a.userDelete)),
		databaseCommand("import [FILE]", "Read users as JSON lines, with the password hashes of another system", cobra.MaximumNArgs(1), a.onDatabase(a.userImport)),
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

func (a *app) userAddCommand() *cobra.Command {
	var email, fullName, scope string
	cmd := databaseCommand("add USERNAME", "Add a user; the password comes from a prompt or standard input", cobra.ExactArgs(1), nil)
	cmd.Flags().StringVar(&email, "email", "", "email address, good for logging in too")
	cmd.Flags().StringVar(&fullName, "full-name", "", "name to show")
	cmd.Flags().StringVar(&scope, "scopes", "", "what the user may grant, names parted by spaces (all when left out)")
	cmd.RunE = a.onDatabase(func(ctx context.Context, ad admin, args []string) error {
		u := store.User{ID: rand.Text(), Username: args[0], Email: email, FullName: fullName, CreatedAt: ad.now}
		if cmd.Flags().Changed("scopes") {
			allowed, err := knownScopes(ad.cfg, scope)
			if err != nil {
				return err
			}
			u.Scopes = append([]string{}, allowed...) // not nil: none at all is not all
		}
		return a.userAdd(ctx, ad, u)
	})
	return cmd
}

func (a *app) userAdd(ctx context.Context, ad admin, u store.User) error {
	if err := checkAccount(u); err != nil {
		return err
	}
	password, err := a.newPassword()
	if err != nil {
		return err
	}
	if u.PasswordHash, err = server.HashPassword(password, ad.cfg.Password.BcryptCost); err != nil {
		return err
	}
	if err := ad.db.CreateUser(ctx, u); err != nil {
		return err
	}
	return a.say(viewUser(u), "user %s added", u.Username)
}

// checkAccount words the first thing wrong with a user's fields.
func checkAccount(u store.User) error {
	problems := resource.CheckAccount(u.Username, u.Email, u.FullName)
	for _, field := range []string{"username", "email", "full_name"} {
		if problem := problems[field]; problem != "" {
			return fmt.Errorf("%s %s", field, problem)
		}
	}
	return nil
}

// knownScopes reads a scope flag. A scope outside the settings is an error.
func knownScopes(cfg config.Config, text string) (scopes.Set, error) {
	asked, err := scopes.Parse(text)
	if err != nil {
		return nil, err
	}
	for _, name := range asked {
		if !slices.ContainsFunc(cfg.Scopes, func(s config.Scope) bool { return s.Name == name }) {
			return nil, fmt.Errorf("scope %q does not exist; add it to the setting \"scopes\" first", name)
		}
	}
	return asked, nil
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
	if errors.Is(err, store.ErrNotFound) {
		return u, fmt.Errorf("there is no user %q; \"grantd user list\" shows all", name)
	}
	return u, err
}

func (a *app) userShow(ctx context.Context, ad admin, args []string) error {
	u, err := userNamed(ctx, ad, args[0])
	if err != nil {
		return err
	}
	v := viewUser(u)
	return a.fields(v, "username", v.Username, "email", v.Email, "full name", v.FullName, "scopes", v.scopes(),
		"state", v.state(), "created", v.Created, "id", v.ID)
}

func (a *app) userSetPassword(ctx context.Context, ad admin, args []string) error {
	u, err := userNamed(ctx, ad, args[0])
	if err != nil {
		return err
	}
	password, err := a.newPassword()
	if err != nil {
		return err
	}
	hash, err := server.HashPassword(password, ad.cfg.Password.BcryptCost)
	if err != nil {
		return err
	}
	ended, err := ad.db.SetPassword(ctx, u.ID, hash, ad.now, ad.until())
	return a.ended(err, "password of "+u.Username+" set", ended)
}

func (a *app) userEnable(ctx context.Context, ad admin, args []string) error {
	u, err := userNamed(ctx, ad, args[0])
	if err != nil {
		return err
	}
	if err := ad.db.EnableUser(ctx, u.ID); err != nil {
		return err
	}
	return a.say(map[string]string{"enabled": u.Username}, "user %s enabled", u.Username)
}

func (a *app) userDisable(ctx context.Context, ad admin, args []string) error {
	u, err := userNamed(ctx, ad, args[0])
	if err != nil {
		return err
	}
	ended, err := ad.db.DisableUser(ctx, u.ID, ad.now, ad.until())
	return a.ended(err, "user "+u.Username+" disabled", ended)
}

func (a *app) userDelete(ctx context.Context, ad admin, args []string) error {
	u, err := userNamed(ctx, ad, args[0])
	if err != nil {
		return err
	}
	ended, err := ad.db.DeleteUser(ctx, u.ID, ad.now, ad.until())
	return a.ended(err, "user "+u.Username+" deleted", ended)
}

// ended reports a change that ended authorizations.
func (a *app) ended(err error, done string, ended int) error {
	if err != nil {
		return err
	}
	return a.say(map[string]any{"done": done, "authorizations_ended": ended}, "%s; %d authorizations ended", done, ended)
}
