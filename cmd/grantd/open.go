package main

import (
	"context"
	"fmt"
	"time"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

// revocationSlack covers clock skew between machines when a command works out
// for how long a revocation has to be remembered.
const revocationSlack = 2 * time.Minute

// admin is what a command that works on the database needs.
type admin struct {
	cfg config.Config
	db  *store.DB
	now time.Time
}

// until is when the last access token issued before now is expired.
func (ad admin) until() time.Time { return ad.now.Add(ad.cfg.Tokens.AccessTTL + revocationSlack) }

// onDatabase makes a RunE of a function that works on an open, current database.
func (a *app) onDatabase(do func(ctx context.Context, ad admin, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		cfg, err := a.load(cmd, config.Default())
		if err != nil {
			return err
		}
		db, err := openCurrent(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer db.Close()
		return do(cmd.Context(), admin{cfg: cfg, db: db, now: time.Now()}, args)
	}
}

// openCurrent opens a database whose schema is up to date.
func openCurrent(ctx context.Context, cfg config.Config) (*store.DB, error) {
	db, err := store.Open(ctx, cfg.Database)
	if err != nil {
		return nil, err
	}
	if err := db.CheckSchema(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", config.MaskDatabase(cfg.Database), err)
	}
	return db, nil
}

// databaseCommand is a command that works on the database and takes exactly
// the arguments named.
func databaseCommand(use, short string, args cobra.PositionalArgs, run func(*cobra.Command, []string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: args, RunE: run}
	addSettings(cmd, "database")
	return cmd
}

func openMaster(cfg config.Config) (*token.Master, error) {
	key, err := cfg.Master()
	if err != nil {
		return nil, err
	}
	return token.NewMaster(key)
}
