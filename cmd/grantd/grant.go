package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

func (a *app) grantCommand() *cobra.Command {
	return group("grant", "Show and end the live authorizations of a user or client",
		a.grantListCommand(), a.grantRevokeCommand())
}

// grantView is what commands print of an authorization.
type grantView struct {
	ID         string   `json:"gid"`
	User       string   `json:"username"`
	Client     string   `json:"client_id"`
	Scopes     []string `json:"scopes"`
	Generation int64    `json:"generation"`
	Created    string   `json:"created_at"`
	Rotated    string   `json:"rotated_at"`
	Expires    string   `json:"expires_at"`
}

// whose are the flags that pick authorizations.
type whose struct{ user, client string }

func (w *whose) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.user, "user", "", "those of this username or email")
	cmd.Flags().StringVar(&w.client, "client", "", "those of this client")
}

func (w whose) filter(ctx context.Context, ad admin) (store.GrantFilter, error) {
	f := store.GrantFilter{ClientID: w.client, Limit: page}
	if w.client != "" {
		if _, err := clientNamed(ctx, ad, w.client); err != nil {
			return f, err
		}
	}
	if w.user != "" {
		u, err := userNamed(ctx, ad, w.user)
		if err != nil {
			return f, err
		}
		f.UserID = u.ID
	}
	f.Now = ad.now()
	return f, nil
}

func (a *app) grantListCommand() *cobra.Command {
	var of whose
	cmd := databaseCommand("list", "List live authorizations", noArgs, a.onDatabase(func(ctx context.Context, ad admin, _ []string) error {
		return a.grantList(ctx, ad, of)
	}))
	of.flags(cmd)
	return cmd
}

func (a *app) grantList(ctx context.Context, ad admin, of whose) error {
	filter, err := of.filter(ctx, ad)
	if err != nil {
		return err
	}
	views, rows, names := []grantView{}, [][]string{}, map[string]string{}
	for {
		grants, err := ad.db.Grants(ctx, filter)
		if err != nil {
			return err
		}
		for _, g := range grants {
			if _, known := names[g.UserID]; !known {
				u, err := ad.db.User(ctx, g.UserID)
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					return err
				}
				names[g.UserID] = u.Username
			}
			v := grantView{g.ID, names[g.UserID], g.ClientID, list(g.Scope), g.Generation, when(g.CreatedAt), when(g.RotatedAt), when(g.ExpiresAt)}
			views = append(views, v)
			rows = append(rows, []string{v.ID, v.User, v.Client, strings.Join(v.Scopes, " "), fmt.Sprint(v.Generation), v.Rotated, v.Expires})
		}
		if len(grants) < page {
			break
		}
		filter.After = grants[len(grants)-1].ID
	}
	return a.table(views, []string{"GRANT", "USER", "CLIENT", "SCOPE", "GENERATION", "LAST USED", "EXPIRES"}, rows)
}

func (a *app) grantRevokeCommand() *cobra.Command {
	var of whose
	oneOrMany := func(_ *cobra.Command, args []string) error {
		if len(args) > 1 || (len(args) == 1) == (of != whose{}) {
			return errors.New("name one authorization, or pick many with --user or --client, and not both")
		}
		return nil
	}
	cmd := databaseCommand("revoke [GRANT]", "End one authorization, or all of a user or client", oneOrMany, nil)
	of.flags(cmd)
	cmd.RunE = a.onDatabase(func(ctx context.Context, ad admin, args []string) error {
		if len(args) == 1 {
			return a.grantRevoke(ctx, ad, args[0])
		}
		filter, err := of.filter(ctx, ad)
		if err != nil {
			return err
		}
		ended, err := ad.db.RevokeGrants(ctx, filter, until(filter.Now))
		return a.ended(ctx, ad, store.Event{Type: "grants.revoked", Subject: filter.UserID, ClientID: filter.ClientID}, err, "revoked", ended)
	})
	return cmd
}

func (a *app) grantRevoke(ctx context.Context, ad admin, id string) error {
	g, err := ad.db.Grant(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	now := ad.now()
	revoked, err := ad.db.RevokeGrant(ctx, id, now, until(now))
	if err != nil {
		return err
	}
	if !revoked {
		return fmt.Errorf("there is no live authorization %q; \"grantd grant list\" shows all", id)
	}
	return a.ended(ctx, ad, store.Event{Type: "grant.revoked", Subject: g.UserID, ClientID: g.ClientID, GrantID: id}, nil, "revoked", 1)
}
