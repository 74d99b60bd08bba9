package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

// maxOverlap is how long two secrets may be good at most: a change that is forgotten ends some time.
const maxOverlap = 90 * 24 * time.Hour

func (a *app) clientRotateSecretCommand() *cobra.Command {
	var overlap time.Duration
	cmd := databaseCommand("rotate-secret CLIENT", "Give a client a new secret and print it once; the old one stops working", one("client"), nil)
	cmd.Long = "Give a client a new secret and print it once. The old one stops working, at once or, with --overlap, when that is\n" +
		"over: so the client can go over to the new one without being refused. While it still uses the old one, the log says\n" +
		"so: client.old_secret_used. \"grantd client drop-old-secret\" ends the overlap early. A client has two secrets at\n" +
		"most: another rotate-secret ends the oldest."
	cmd.Flags().DurationVar(&overlap, "overlap", 0, "how long the old secret is good, too, such as 24h (at most 2160h)")
	cmd.RunE = a.onDatabase(func(ctx context.Context, ad admin, args []string) error {
		if overlap < 0 || overlap > maxOverlap {
			return fmt.Errorf("--overlap %v: give a time from 0 to %v", overlap, maxOverlap)
		}
		return a.clientRotateSecret(ctx, ad, args[0], overlap)
	})
	return cmd
}

func (a *app) clientRotateSecret(ctx context.Context, ad admin, id string, overlap time.Duration) error {
	c, err := clientNamed(ctx, ad, id)
	if err != nil {
		return err
	}
	if c.SecretHash == nil {
		return fmt.Errorf("client %s is public and has no secret; delete it and add it without --public", c.ID)
	}
	secret, now := server.NewClientSecret(), ad.now()
	if err := changeSecret(ctx, ad.db, c.ID, server.HashSecret(secret), now, overlap); err != nil {
		return err
	}
	c.OldSecretHash, c.OldSecretUntil = c.SecretHash, now.Add(overlap)
	v := viewClient(c, now)
	v.Secret = secret
	// The secret first: it is shown this once.
	return cmp.Or(v.print(a), a.recorded(ctx, ad, store.Event{Type: "client.secret_rotated", ClientID: c.ID, Detail: store.Detail{"overlap": overlap.String()}}))
}

func changeSecret(ctx context.Context, db *store.DB, id string, hash []byte, now time.Time, overlap time.Duration) error {
	if overlap == 0 {
		return db.SetClientSecret(ctx, id, hash, now, until(now))
	}
	return db.ReplaceClientSecret(ctx, id, hash, now.Add(overlap), now, until(now))
}

func (a *app) clientDropOldSecret(ctx context.Context, ad admin, args []string) error {
	c, err := clientNamed(ctx, ad, args[0])
	if err != nil {
		return err
	}
	now := ad.now()
	if c.OldSecretHash == nil || !now.Before(c.OldSecretUntil) {
		return fmt.Errorf("client %s has no old secret that is still good", c.ID)
	}
	if err := ad.db.DropOldSecret(ctx, c.ID, now, until(now)); err != nil {
		return err
	}
	if err := a.recorded(ctx, ad, store.Event{Type: "client.old_secret_dropped", ClientID: c.ID}); err != nil {
		return err
	}
	c.OldSecretHash = nil
	return viewClient(c, now).print(a)
}
