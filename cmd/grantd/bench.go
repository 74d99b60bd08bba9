package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/grantd/grantd/cmd/grantd/bench"
	"github.com/grantd/grantd/config"
	"github.com/spf13/cobra"
)

func (a *app) benchCommand() *cobra.Command {
	var o bench.Options
	cmd := &cobra.Command{
		Use: "bench", Short: "Load a server and compare it with what this machine can do at most", Args: noArgs,
		Long: "Starts a grantd of its own with a new database, loads it, and prints for each operation the rate, the\nlatencies, " +
			"the limit of this machine and the share of it that is reached.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.bench(cmd, o) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.Operations, "operation", nil, "what to measure, parted by commas; all when left out")
	f.IntVar(&o.Connections, "connections", 16, "how many connections send one request after the other")
	f.Float64Var(&o.Rate, "rate", 0, "requests that begin in a second; as many as are answered when 0")
	f.DurationVar(&o.For, "for", 3*time.Second, "how long each run takes")
	f.Int64Var(&o.Count, "count", 0, "how many requests a run has at most; any number when 0")
	f.IntVar(&o.Runs, "runs", 1, "how often each operation is measured; the median counts")
	f.IntVar(&o.Cores, "cores", 1, "processors that the server has for itself; shared with the load when 0")
	f.IntVar(&o.Authorizations, "authorizations", 10_000, "authorizations in the database")
	f.IntVar(&o.Chains, "chains", 1000, "authorizations that are refreshed in turn")
	f.IntVar(&o.Clients, "clients", 10, "clients in the database")
	f.StringVar(&o.Database, "database", "", "an empty database to use; a SQLite file that is thrown away when left out")
	f.StringVar(&o.Profiles, "profiles", "", "folder for CPU and allocation profiles of each operation")
	cmd.AddCommand(a.benchLimitsCommand())
	return cmd
}

func (a *app) bench(cmd *cobra.Command, o bench.Options) (err error) {
	if o.Folder, err = os.MkdirTemp("", "grantd-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.Folder)) }()
	o.Progress = a.stderr
	r, err := bench.Run(cmd.Context(), o)
	if err != nil {
		return err
	}
	return a.printBench(r)
}

// benchLimitsCommand is what "grantd bench" starts beside the server.
func (a *app) benchLimitsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "limits", Hidden: true, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log := newLog(a.stderr, config.Log{Level: "info", Format: "json"})
			return bench.ServeLimits(cmd.Context(), log, os.Getenv("GRANTD_DATABASE"))
		},
	}
}

func (a *app) printBench(r *bench.Report) error {
	var rows [][]string
	for _, l := range r.Operations {
		rows = append(rows, []string{
			l.Operation, whole(l.Rate), milliseconds(l.P50), milliseconds(l.P99), milliseconds(l.P999), strconv.FormatInt(l.Errors, 10),
			fmt.Sprintf("%.1f", l.CPU), fmt.Sprintf("%.0f", l.Memory), whole(l.Limit), fmt.Sprintf("%.0f %%", 100*l.Share),
		})
	}
	return a.table(r, []string{"OPERATION", "RATE/S", "P50 MS", "P99 MS", "P99.9 MS", "ERRORS", "CPU µS", "MB", "LIMIT/S", "SHARE"}, rows)
}

func whole(f float64) string {
	if f < 100 {
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.0f", f)
}

func milliseconds(f float64) string { return fmt.Sprintf("%.2f", f) }
