package main

import (
	"bytes"
	"context"
	"errors"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/store"
)

// demoLeft refuses a database that "grantd dev" filled while the passwords and
// secrets in it are the demo's, which everybody knows. It says all in one go.
func demoLeft(ctx context.Context, db *store.DB) error {
	var left config.Problems
	for _, demo := range append(demoClients[:len(demoClients):len(demoClients)], demoAppClient) {
		c, err := db.Client(ctx, demo.ID)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return err
		case demo.SecretHash != nil && (bytes.Equal(c.SecretHash, demo.SecretHash) || bytes.Equal(c.OldSecretHash, demo.SecretHash)):
			left = append(left, config.Problem{
				What:   "the client " + c.ID + " still has its secret of the demo, which everybody knows",
				Remedy: `run "grantd client delete ` + c.ID + `" or "grantd client rotate-secret ` + c.ID + `"`,
			})
		}
	}
	for _, demo := range demoUsers {
		u, err := db.UserByLogin(ctx, demo.Username)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return err
		case madeDisabled(demo) && !u.DisabledAt.IsZero(): // as the demo has it
		case u.PasswordHash == demo.PasswordHash:
			left = append(left, config.Problem{
				What:   "the user " + u.Username + " still has the password of the demo, which everybody knows",
				Remedy: `run "grantd user delete ` + u.Username + `" or "grantd user set-password ` + u.Username + `"`,
			})
		}
	}
	if len(left) == 0 {
		return nil
	}
	return left
}
