package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/store"
)

// checkDefaultClient looks at the database for "grantd check", unless it cannot
// be opened: checkServe says so.
func checkDefaultClient(ctx context.Context, cfg config.Config) error {
	if cfg.Password.DefaultClient == "" {
		return nil
	}
	db, err := openCurrent(ctx, cfg)
	if err != nil {
		return nil
	}
	defer db.Close()
	return defaultClientProblem(ctx, cfg, db)
}

// defaultClientProblem says why no password request without a client can work,
// though password.default_client is set.
func defaultClientProblem(ctx context.Context, cfg config.Config, db *store.DB) error {
	id := cfg.Password.DefaultClient
	if id == "" {
		return nil
	}
	c, err := db.Client(ctx, id)
	what, remedy := "", "name a client that may"
	switch {
	case errors.Is(err, store.ErrNotFound):
		what = fmt.Sprintf("there is no client %q", id)
		remedy = fmt.Sprintf("correct the name, or add it: grantd client add %s --public --grants password,refresh_token --scopes …", id)
	case err != nil:
		return err
	case !slices.Contains(c.Grants, "password"):
		what = fmt.Sprintf("the client %q may not use the grant type password", id)
	case c.SecretHash != nil:
		// RFC 6749 §3.2.1: a request that names no client brings no secret either.
		what, remedy = fmt.Sprintf("the client %q has a secret, which such a request does not bring", id), "name a public client"
	default:
		return nil
	}
	return config.Problems{{Where: "password.default_client", What: what, Remedy: remedy}}
}
