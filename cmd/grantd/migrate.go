package main

import (
	"context"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

func (a *app) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "migrate", Short: "Bring the database schema up to date", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd, config.Default())
			if err != nil {
				return err
			}
			db, err := openStore(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer db.Close()
			return a.migrate(cmd.Context(), db)
		},
	}
	addSettings(cmd, "database")
	return cmd
}

func (a *app) migrate(ctx context.Context, db *store.DB) error {
	from, to, err := db.Migrate(ctx)
	if err == nil {
		err = db.CheckSchema(ctx) // it may be an unfinished copy
	}
	if err != nil {
		return err
	}
	steps := map[string]int64{"from": from, "to": to}
	if from == to {
		return a.say(steps, "the database is up to date at schema %d", to)
	}
	return a.say(steps, "the database went from schema %d to %d", from, to)
}
