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

func (a *app) userAddCommand() *cobra.Command {
	var email, fullName, scope string
	cmd := databaseCommand("add USERNAME", "Add a user; the password comes from a prompt or standard input", one("user"), nil)
	cmd.Flags().StringVar(&email, "email", "", "email address, good for logging in too")
	cmd.Flags().StringVar(&fullName, "full-name", "", "name to show")
	cmd.Flags().StringVar(&scope, "scopes", "", "what the user may grant, names parted by spaces (all when left out)")
	cmd.RunE = a.onDatabase(func(ctx context.Context, ad admin, args []string) error {
		u := store.User{ID: rand.Text(), Username: args[0], Email: email, FullName: fullName}
		if cmd.Flags().Changed("scopes") {
			allowed, err := grantable(ad.cfg, scope)
			if err != nil {
				return err
			}
			u.Scopes = append([]string{}, allowed...) // not nil: none at all is not all
		}
		return a.userAdd(ctx, ad, u)
	})
	return cmd
}

func (a *app) userAdd(ctx context.Context, ad admin, u store.User) (err error) {
	if err := checkAccount(u); err != nil {
		return err
	}
	if err := checkFree(ctx, ad, u); err != nil {
		return err
	}
	if u.PasswordHash, err = a.newPasswordHash(ctx, ad); err != nil {
		return err
	}
	u.CreatedAt = ad.now()
	if err := ad.db.CreateUser(ctx, u); err != nil {
		return otherName(err)
	}
	if err := a.recorded(ctx, ad, store.Event{Type: "user.added", Subject: u.ID}); err != nil {
		return err
	}
	return a.say(viewUser(u), "user %s added", u.Username)
}

// checkFree spares a person the typing of a password for a name that is taken.
// CreateUser decides.
func checkFree(ctx context.Context, ad admin, u store.User) error {
	for _, login := range []struct{ field, value string }{{"username", u.Username}, {"email", u.Email}} {
		if login.value == "" {
			continue
		}
		switch _, err := ad.db.UserByLogin(ctx, login.value); {
		case err == nil:
			return otherName(&store.TakenError{Field: login.field})
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
	}
	return nil
}

func (a *app) newPasswordHash(ctx context.Context, ad admin) (string, error) {
	password, err := a.newPassword(ctx)
	if err != nil {
		return "", err
	}
	return server.HashPassword(password, ad.cfg.Password.BcryptCost)
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

// grantable reads what a user may grant. Who they are everybody may tell an app.
func grantable(cfg config.Config, text string) (scopes.Set, error) {
	asked, err := scopes.Parse(text)
	if err != nil {
		return nil, err
	}
	for _, name := range server.IdentityScopes() {
		if asked.Has(name) && !isScope(cfg, name) {
			return nil, fmt.Errorf("scope %q need not be given: every user may grant openid, profile, email and offline_access; leave it out", name)
		}
	}
	return knownScopes(cfg, text)
}

// knownScopes reads a scope flag. A scope outside the settings is an error.
func knownScopes(cfg config.Config, text string) (scopes.Set, error) {
	asked, err := scopes.Parse(text)
	if err != nil {
		return nil, err
	}
	for _, name := range asked {
		if !isScope(cfg, name) {
			return nil, unknownScope(cfg, name)
		}
	}
	return asked, nil
}

func isScope(cfg config.Config, name string) bool {
	return slices.ContainsFunc(cfg.Scopes, func(s config.Scope) bool { return s.Name == name })
}

// unknownScope knows that other programs part names by commas, which here can
// be part of a name (RFC 6749 §3.3).
func unknownScope(cfg config.Config, name string) error {
	parts := strings.Split(strings.Trim(name, ","), ",")
	if strings.Contains(name, ",") && !slices.ContainsFunc(parts, func(part string) bool { return !isScope(cfg, part) }) {
		return fmt.Errorf("scope %q does not exist; part names with spaces: %q", name, strings.Join(parts, " "))
	}
	return fmt.Errorf("scope %q does not exist; add it to the setting \"scopes\" first", name)
}
