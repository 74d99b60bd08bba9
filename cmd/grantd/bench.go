package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/grantd/grantd/cmd/grantd/bench"
	"github.com/grantd/grantd/config"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// benchDatabase names an empty PostgreSQL. It is not the setting database, so that no command line takes a server's by
// mistake.
const benchDatabase = "GRANTD_BENCH_DATABASE"

// benchFlags are what the flags of "grantd bench" say that is no option as it stands.
type benchFlags struct {
	bench.Options
	mix    string
	remote bench.Remote
}

func (a *app) benchCommand() *cobra.Command {
	var in benchFlags
	cmd := &cobra.Command{
		Use: "bench", Short: "Load a server and compare it with what this machine can do at most",
		Long: "Start a grantd of its own with a new database, load it, and print for each operation the rate, the latencies, the CPU\n" +
			"and memory it takes, the most that this machine could do, and the share of it that is reached. The limit is what\n" +
			"nothing can avoid: a bare HTTP round trip of that size, the arithmetic of the signatures, the database's own time\n" +
			"for the one statement.\n\n" +
			"Operations: " + strings.Join(bench.Operations(), " ") + "\n\n" +
			"--database (or " + benchDatabase + ") takes an empty database; one with users or clients is refused. What is added to\n" +
			"it stays there: nothing is ever deleted. --issuer loads a server that runs already, on this machine only: it logs in\n" +
			"once for each connection and refreshes these authorizations. Its user's password, and in the next line the\n" +
			"secret of --service, are asked for on a terminal or read from standard input.\n\n" +
			"With --rate a latency counts from when the request was to begin, also if it had to wait for a connection. Status\n" +
			"1 says that requests failed.",
		Example: "  grantd bench\n" +
			"  grantd bench --operation refresh,me --runs 5 --output json\n" +
			"  grantd bench --mix refresh=2,introspect=10,me=10,client_credentials=1 --rate 2000 --for 30s\n" +
			"  grantd bench --operation refresh,me --rate 500 --guesses 10000\n" +
			"  grantd bench --operation refresh --count 1000000 --chains 50000\n" +
			"  GRANTD_BENCH_DATABASE=postgres://bench:PASSWORD@127.0.0.1/bench grantd bench --connections 256\n" +
			"  printf 'secret\\ndev-service-secret\\n' | grantd bench --issuer http://127.0.0.1:8000 --user johndoe --service dev-service",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.bench(cmd.Context(), in.Options) },
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := noArgs(cmd, args); err != nil {
			return err
		}
		return in.complete(cmd)
	}
	in.addFlags(cmd)
	cmd.AddCommand(a.benchLimitsCommand())
	return cmd
}

func (in *benchFlags) addFlags(cmd *cobra.Command) {
	f, o, r := cmd.Flags(), &in.Options, &in.remote
	f.StringSliceVar(&o.Operations, "operation", nil, "what to measure, parted by commas; all when left out")
	f.StringVar(&in.mix, "mix", "", "a load of several operations at once, OPERATION=WEIGHT,…")
	f.IntVar(&o.Connections, "connections", 16, "how many connections send one request after the other")
	f.Float64Var(&o.Rate, "rate", 0, "requests that begin in a second; as many as are answered when 0")
	f.Float64Var(&o.Guesses, "guesses", 0, "wrong passwords that are sent in a second beside each operation, from 10,000 addresses")
	f.DurationVar(&o.For, "for", 3*time.Second, "how long each run takes; without end when only --count is given")
	f.Int64Var(&o.Count, "count", 0, "how many requests a run has at most; any number when 0")
	f.IntVar(&o.Runs, "runs", 1, "how often each operation is measured; the median counts")
	f.IntVar(&o.Cores, "cores", 1, "processors that the server has for itself (Linux); shared with the load when 0")
	f.IntVar(&o.Authorizations, "authorizations", 10_000, "authorizations in the database")
	f.IntVar(&o.Chains, "chains", 1000, "authorizations that are refreshed in turn, each time with the token that was given last")
	f.IntVar(&o.Clients, "clients", 10, "clients in the database")
	f.IntVar(&o.HashCost, "bcrypt-cost", 12, "bcrypt cost of the passwords")
	f.BoolVar(&o.TLS, "tls", false, "serve https, with a certificate made on the spot")
	f.StringVar(&o.Database, "database", "", "an empty database, sqlite:PATH or postgres://… ("+benchDatabase+"); a SQLite file that is thrown away when left out")
	f.StringVar(&o.Folder, "folder", "", "folder on the disk to be measured, for what is thrown away; that of the system when left out")
	f.StringVar(&o.Profiles, "profiles", "", "folder that takes a CPU and an allocation profile of each operation")
	f.StringVar(&r.Issuer, "issuer", "", "URL of a server that runs already, on loopback")
	f.StringVar(&r.Client, "client", "dev", "with --issuer: a public client with the grants password and refresh_token")
	f.StringVar(&r.User, "user", "", "with --issuer: who logs in")
	f.StringVar(&r.Service, "service", "", "with --issuer: a confidential client with the grant client_credentials that may introspect")
	f.IntVar(&r.PID, "pid", 0, "with --issuer: process id of the server, to tell its CPU and memory")
}

// complete makes options of the flags, or says what is wrong with them.
func (in *benchFlags) complete(cmd *cobra.Command) (err error) {
	given := cmd.Flags().Changed
	if in.mix != "" {
		if in.Mix, err = bench.ParseMix(in.mix); err != nil {
			return fmt.Errorf("--mix: %w", err)
		}
	}
	if given("operation") && len(in.Operations) == 0 { // of an empty variable, say
		return errors.New("--operation names none; leave it out to measure all")
	}
	if given("count") && !given("for") {
		in.For = 0
	}
	if in.remote.Issuer == "" {
		for _, flag := range []string{"client", "user", "service", "pid"} {
			if given(flag) {
				return fmt.Errorf("--%s is for a server that runs already: name it with --issuer", flag)
			}
		}
		if !given("database") {
			in.Database = os.Getenv(benchDatabase)
		}
		if in.Database != "" {
			if err := config.CheckDatabase(in.Database); err != nil {
				return err
			}
		}
		return in.Check()
	}
	for _, flag := range []string{"cores", "authorizations", "chains", "clients", "tls", "database", "profiles"} {
		if given(flag) {
			return fmt.Errorf("--%s is for a server that is started, and --issuer names one that runs", flag)
		}
	}
	if in.remote.User == "" {
		return errors.New("say with --user who logs in at the server")
	}
	in.Remote = &in.remote
	return in.Check()
}

func (a *app) bench(ctx context.Context, o bench.Options) (err error) {
	o.Version, o.Progress, o.Live = version(), a.stderr, isTerminal(a.stderr)
	if o.Remote != nil {
		if err := a.readBenchSecrets(ctx, o.Remote); err != nil {
			return err
		}
	}
	if o.Profiles != "" {
		if err := os.MkdirAll(o.Profiles, 0o755); err != nil {
			return err
		}
	}
	if o.Folder, err = os.MkdirTemp(o.Folder, "grantd-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.Folder)) }()
	r, err := bench.Run(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(a.printBench(r), r.Failed())
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// readBenchSecrets asks on a terminal, or reads a line for each from standard input.
func (a *app) readBenchSecrets(ctx context.Context, r *bench.Remote) (err error) {
	lines := bufio.NewReader(io.LimitReader(a.stdin, 2*maxLine))
	next := func(string) (string, error) {
		line, err := lines.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return readLine(strings.NewReader(line))
	}
	if file, ok := a.stdin.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		next = func(prompt string) (string, error) { return a.ask(ctx, file, prompt) }
	}
	if r.Password, err = next("Password of " + printable(r.User) + ": "); err != nil || r.Service == "" {
		return err
	}
	if r.Secret, err = next("Secret of " + printable(r.Service) + ": "); err != nil {
		return fmt.Errorf("the secret of --service is the second line: %w", err)
	}
	return nil
}

// benchLimitsCommand is what "grantd bench" starts beside the server.
func (a *app) benchLimitsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "limits", Short: "Answer what limits are measured with", Hidden: true, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.ServeLimits(cmd.Context(), newLog(a.stderr, config.Log{Level: "info", Format: "json"}))
		},
	}
}
