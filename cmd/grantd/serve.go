package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/pages"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

func (a *app) serveCommand() *cobra.Command {
	var migrate bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the server; refuses an unsafe or incomplete configuration", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd, migrate) },
	}
	cmd.Flags().BoolVar(&migrate, "migrate", false, "bring the database schema up to date first")
	addSettings(cmd)
	return cmd
}

func (a *app) serve(cmd *cobra.Command, migrate bool) error {
	cfg, err := a.load(cmd, config.Default())
	if isUnread(err) {
		return err
	}
	if wrong := allProblems(err, cfg.Check()); wrong != nil {
		if migrate {
			return wrong // the schema would have been brought up to date
		}
		return checkServe(cmd.Context(), cfg, err)
	}
	master, err := openMaster(cfg)
	if err != nil {
		return err
	}
	db, err := openServed(cmd.Context(), cfg, migrate)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := demoLeft(cmd.Context(), db); err != nil {
		return err
	}
	on, err := listen(cfg)
	if err != nil {
		return err
	}
	return a.runServer(cmd.Context(), cfg, master, db, on, devOptions{}, nil)
}

// openServed opens the database, and brings it up to date only if asked to.
func openServed(ctx context.Context, cfg config.Config, migrate bool) (*store.DB, error) {
	if migrate {
		return openMigrated(ctx, cfg)
	}
	return openCurrent(ctx, cfg)
}

// devOptions are what only "grantd dev" has.
type devOptions struct {
	demoApp string // the URL of an app to show people; empty: there is none
	explain bool   // tell callers why they are refused
}

// runServer serves until ctx ends. started is called once the server answers.
func (a *app) runServer(ctx context.Context, cfg config.Config, master *token.Master, db *store.DB, on listeners, dev devOptions, started func()) error {
	// Whoever read standard output or error may go before the server does.
	signal.Ignore(syscall.SIGPIPE)
	collectSeldom()
	log := newLog(a.stderr, cfg.Log)
	options, err := serverOptions(cfg, master, db, log)
	if err != nil {
		return err
	}
	tracing, closeTracing, err := newTracing(ctx, db, log)
	if err != nil {
		return err
	}
	defer closeTracing()
	options.Tracing = tracing
	hasher := newHasher(log)
	defer hasher.close()
	options.Now, options.DemoApp, options.Explain, options.Hasher = a.now, dev.demoApp, dev.explain, hasher
	srv, err := server.New(ctx, options)
	if err != nil {
		return err
	}
	if err := db.Adopt(ctx); err != nil {
		return err
	}
	if err := defaultClientProblem(ctx, cfg, db); err != nil {
		log.Warn("password requests that name no client will be refused", "error", err)
	}
	if oneAddress(cfg) {
		log.Warn("wrong passwords of everybody count as those of the proxy's address: list it in trusted_proxies, and have it send X-Forwarded-For")
	}
	log.Info("grantd starts", "version", version(), "issuer", cfg.Issuer, "listen", on.public.Addr().String(),
		"ops_listen", on.ops.Addr().String(), "database", config.MaskDatabase(cfg.Database), "master_key", master.ID())
	// While the last requests finish, revocations count as before.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { srv.Run(background) })
	defer func() { // what is being told to clients still is
		stop()
		waitFor(&running, log)
	}()
	return serveHTTP(ctx, cfg, srv, on, log, started)
}

// stopLimit is more than Server.Run promises to take. A database that swallows what it is
// asked does not hold up the end of the process.
const stopLimit = 15 * time.Second

func waitFor(running *sync.WaitGroup, log *slog.Logger) {
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(stopLimit):
		log.Warn("grantd stops though work in the background has not ended", "after", stopLimit.String())
	}
}

func serverOptions(cfg config.Config, master *token.Master, db *store.DB, log *slog.Logger) (server.Options, error) {
	logo, logoType, err := cfg.Brand.Logo()
	if err != nil {
		return server.Options{}, fmt.Errorf("brand.logo_file: %w", err)
	}
	o := server.Options{
		DB: db, Master: master, Issuer: cfg.Issuer,
		AccessTTL: cfg.Tokens.AccessTTL, RefreshTTL: cfg.Tokens.RefreshTTL, RefreshMaxTTL: cfg.Tokens.RefreshMaxTTL,
		ReuseGrace: cfg.Tokens.ReuseGrace, SigningAlg: cfg.Tokens.SigningAlg, SharedSecret: []byte(cfg.Tokens.SharedSecret),
		Audience: cfg.Tokens.Audience, Audiences: cfg.Tokens.Audiences,
		SessionTTL: cfg.Sessions.TTL, SessionMaxTTL: cfg.Sessions.MaxTTL,
		Brand:      pages.Brand{Name: cfg.Brand.Name, Accent: cfg.Brand.Accent, Logo: logo, LogoType: logoType},
		BcryptCost: cfg.Password.BcryptCost, MaxConcurrentHashes: cfg.Password.MaxConcurrentHashes,
		Limits:        limits(cfg.Limits),
		DefaultClient: cfg.Password.DefaultClient, Signup: cfg.Signup.Enabled, Resources: cfg.Resources.Enabled,
		TrustedProxies: cfg.TrustedProxies, Version: version(), Log: log,
		Settings: cfg.Shown(), AuditRetention: cfg.Audit.Retention, RoutineRetention: cfg.Audit.RoutineRetention,
	}
	for _, s := range cfg.Scopes {
		o.Scopes = append(o.Scopes, server.Scope{Name: s.Name, Description: s.Description})
	}
	return o, nil
}

// oneAddress is whether a proxy that speaks https for us stands between us and everybody, and is not to be
// believed where they come from.
func oneAddress(cfg config.Config) bool {
	return strings.HasPrefix(cfg.Issuer, "https:") && cfg.TLS.CertFile == "" && len(cfg.TrustedProxies) == 0 && cfg.Limits.Address != (config.Rate{})
}

func limits(cfg config.Limits) server.Limits {
	return server.Limits{
		Account: server.Rate(cfg.Account), KnownPlace: server.Rate(cfg.KnownPlace), Address: server.Rate(cfg.Address),
		Signup: server.Rate(cfg.Signup), Client: server.Rate(cfg.Client),
	}
}

func newLog(w io.Writer, cfg config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
