package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) newRoot() *cobra.Command {
	version := a.versionCommand()
	var versionAsked bool
	root := &cobra.Command{
		Use:           "grantd",
		Short:         "An OAuth 2.0 authorization server in one binary",
		Long:          "grantd issues scoped, short-lived access tokens and rotating refresh tokens.\n\nTry it:  grantd dev",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if versionAsked {
				return version.RunE(cmd, args)
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if a.output != "table" && a.output != "json" {
				return fmt.Errorf("--output %q is neither json nor table", a.output)
			}
			a.started, a.command = true, cmd.CommandPath()
			return nil
		},
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.PersistentFlags().StringVar(&a.output, "output", "table", "how to print: table or json")
	root.PersistentFlags().StringVar(&a.configFile, "config", "", "YAML file of settings (GRANTD_CONFIG)")
	root.Flags().BoolVar(&versionAsked, "version", false, "print the version")
	root.AddCommand(
		a.devCommand(), a.serveCommand(), a.resourceCommand(), a.checkCommand(), a.migrateCommand(), a.storeCommand(),
		a.userCommand(), a.clientCommand(), a.keyCommand(), a.grantCommand(), a.auditCommand(), a.tokenCommand(), a.explainCommand(),
		a.hasherCommand(), a.doctorCommand(), a.benchCommand(), version,
	)
	return root
}

// noArgs does not repeat what was given: it may be a token or a password.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return errors.New("this command takes no arguments")
	}
	return nil
}

// one is for a command that takes exactly one argument, a what. It repeats
// nothing that was given either.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch usage := cmd.Parent().CommandPath() + " " + cmd.Use; {
		case len(args) == 0 || args[0] == "":
			return fmt.Errorf("name the %s: %s", what, usage)
		case len(args) > 1:
			return fmt.Errorf("name one %s only: %s", what, usage)
		}
		return nil
	}
}

// atMostOne is one, for an argument that may be left out.
func atMostOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return one(what)(cmd, args)
	}
}

// group is a command that only holds others.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(children...)
	return cmd
}
