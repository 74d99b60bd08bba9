package main

import (
	"fmt"

	"github.com/grantd/grantd/config"
	"github.com/spf13/cobra"
)

func (a *app) checkCommand() *cobra.Command {
	var printed bool
	cmd := &cobra.Command{
		Use: "check", Short: "Validate the configuration and the database without serving", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd, config.Default())
			if err != nil {
				return err
			}
			if printed {
				if err := cfg.Print(a.stdout); err != nil {
					return err
				}
			}
			if err := cfg.Check(); err != nil {
				return err
			}
			db, err := openCurrent(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer db.Close()
			if err := db.Ready(cmd.Context()); err != nil {
				return err
			}
			if printed {
				return nil
			}
			_, err = fmt.Fprintln(a.stdout, "ok")
			return err
		},
	}
	cmd.Flags().BoolVar(&printed, "print", false, "print the effective settings, secrets masked")
	addSettings(cmd)
	return cmd
}
