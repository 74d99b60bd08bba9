package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/telemetry"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

func (a *app) checkCommand() *cobra.Command {
	var printed, running bool
	cmd := &cobra.Command{
		Use: "check", Short: "Validate the configuration and the database without serving",
		Args: func(cmd *cobra.Command, args []string) error {
			if printed && a.output == "json" {
				return errors.New("--print writes YAML; leave out --output json")
			}
			return noArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd, config.Default())
			if err == nil && printed {
				if err := cfg.Print(a.stdout); err != nil {
					return err
				}
			}
			if err == nil && running {
				err = checkRunning(cmd.Context(), cfg.OpsListen)
			} else {
				err = checkAll(cmd.Context(), cfg, err)
			}
			if err != nil || printed {
				return err
			}
			return a.say(map[string]bool{"ok": true}, "ok")
		},
	}
	cmd.Flags().BoolVar(&printed, "print", false, "print the effective settings as YAML, secrets masked")
	cmd.Flags().BoolVar(&running, "running", false, "ask the running server's /readyz at ops_listen instead, as a health check does")
	addSettings(cmd)
	return cmd
}

// isUnread is for errors of load after which nothing else is worth saying.
func isUnread(err error) bool { return errors.As(err, new(config.Unread)) }

// checkAll says everything for which a server would not start, or not do what
// the settings mean.
func checkAll(ctx context.Context, cfg config.Config, wrong error) error {
	if isUnread(wrong) {
		return wrong
	}
	return allProblems(checkServe(ctx, cfg, wrong), checkDefaultClient(ctx, cfg), telemetry.CheckVariables())
}

// checkServe says everything for which "grantd serve" would not start, given
// what was wrong when the settings were read.
func checkServe(ctx context.Context, cfg config.Config, wrong error) error {
	wrong = allProblems(wrong, cfg.Check())
	return allProblems(wrong, checkState(ctx, cfg, wrong, func(db *store.DB) error {
		left := demoLeft(ctx, db)
		master, err := openMaster(cfg)
		if err != nil {
			return left // what is wrong with the key was said before, in wrong
		}
		return allProblems(left, server.CheckMaster(ctx, db, master, time.Now()))
	}))
}

// checkState looks at the database and what is in it, unless the settings that lead
// there are among what is wrong.
func checkState(ctx context.Context, cfg config.Config, wrong error, content func(*store.DB) error) error {
	if names(wrong, "database") {
		return nil
	}
	db, err := openCurrent(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Ready(ctx); err != nil {
		return err
	}
	return content(db)
}

// names reports whether a problem with the setting key is in err.
func names(err error, key string) bool {
	list, _ := err.(config.Problems)
	return slices.ContainsFunc(list, func(p config.Problem) bool { return p.Where == key })
}
