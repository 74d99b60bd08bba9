package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

// resourceSettings are the settings that say something to "grantd resource".
var resourceSettings = []string{
	"issuer", "listen", "ops_listen", "shutdown_delay", "database", "database_connections", "tls.cert_file", "tls.key_file",
	"trusted_proxies", "tokens.audience", "password.bcrypt_cost", "password.max_concurrent_hashes", "signup.enabled",
	"pprof.enabled", "log.level", "log.format",
}

const (
	// listPoll, after half a second until every server knows, lets a revocation count here
	// within a second, too.
	listPoll = 250 * time.Millisecond
	// issuerTime is how long the issuer may take to answer before it is asked again: longer
	// than it takes to make the longest list.
	issuerTime = 3 * time.Second
	// listAge is twice what passes at most between two answers about the longest list, so that
	// neither a lost packet nor many revocations fail a request.
	listAge = "3s"
)

// resourceFlags are those that are no settings.
type resourceFlags struct {
	url, age string
	maxAge   time.Duration // what age says, once it was read
}

func (a *app) resourceCommand() *cobra.Command {
	var flags resourceFlags
	cmd := &cobra.Command{
		Use:   "resource",
		Short: "Run the resource router alone, for the tokens of a grantd elsewhere",
		Long: "Run the resource router alone: /status/, /users/me/, /users/me/items/ and sign-up, for the tokens of the grantd at\n" +
			"--issuer, from which it learns of keys and revocations. It needs the database, where users and items are, and no\n" +
			"master key.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.resource(cmd, flags) },
	}
	cmd.Flags().StringVar(&flags.url, "url", "", "URL under which apps reach it; by default tokens.audience if that is a URL, else the issuer")
	cmd.Flags().StringVar(&flags.age, "revocations-max-age", listAge, "how long tokens pass after the issuer's last answer when it cannot be reached; then 503")
	addSettings(cmd, resourceSettings...)
	base := config.Resource()
	cmd.Flags().Lookup("listen").DefValue = base.Listen
	cmd.Flags().Lookup("ops-listen").DefValue = base.OpsListen
	cmd.Flags().Lookup("issuer").Usage = "https URL of the grantd that issues the tokens; http only on loopback"
	cmd.Flags().Lookup("tokens-audience").Usage = "aud that tokens must have; the issuer when empty"
	return cmd
}

func (a *app) resource(cmd *cobra.Command, flags resourceFlags) error {
	cfg, err := a.load(cmd, config.Resource())
	if isUnread(err) {
		return err
	}
	if wrong := allProblems(err, cfg.CheckResource(flags.url), flags.read()); wrong != nil {
		return allProblems(wrong, checkState(cmd.Context(), cfg, wrong, func(*store.DB) error { return nil }))
	}
	db, err := openCurrent(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	defer db.Close()
	on, err := listen(cfg)
	if err != nil {
		return err
	}
	return a.runResource(cmd.Context(), cfg, flags, db, on)
}

// read: past the longest life of an access token there is nothing left to revoke.
func (f *resourceFlags) read() (err error) {
	const where = "--revocations-max-age"
	if f.maxAge, err = config.ParseDuration(where, f.age); err != nil {
		return err
	}
	if f.maxAge < time.Second || f.maxAge > server.MaxAccessTTL {
		return config.Problem{Where: where, What: "it is " + f.age, Remedy: "set it between 1s and 24h, such as " + listAge}
	}
	return nil
}

// runResource serves until ctx ends.
func (a *app) runResource(ctx context.Context, cfg config.Config, flags resourceFlags, db *store.DB, on listeners) error {
	// Whoever read standard error may go before the server does.
	signal.Ignore(syscall.SIGPIPE)
	log := newLog(a.stderr, cfg.Log)
	// While the last requests finish, revocations count as before.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	verifier, err := a.discover(background, cfg, flags.maxAge, log)
	if err != nil {
		return err
	}
	tracing, closeTracing, err := newTracing(ctx, db, log)
	if err != nil {
		return err
	}
	defer closeTracing()
	hasher := newHasher(log)
	defer hasher.close()
	srv, err := server.NewResources(server.ResourceOptions{
		DB: db, Verifier: verifier, Issuer: cfg.Issuer, URL: cfg.ResourceURL(flags.url), Signup: cfg.Signup.Enabled,
		BcryptCost: cfg.Password.BcryptCost, MaxConcurrentHashes: cfg.Password.MaxConcurrentHashes, Limits: limits(cfg.Limits), Hasher: hasher,
		TrustedProxies: cfg.TrustedProxies, Version: version(), Tracing: tracing, Log: log, Now: a.now,
	})
	if err != nil {
		return err
	}
	if err := db.Adopt(ctx); err != nil {
		return err
	}
	log.Info("the resource router starts", "version", version(), "issuer", cfg.Issuer, "url", cfg.ResourceURL(flags.url),
		"listen", on.public.Addr().String(), "ops_listen", on.ops.Addr().String(), "database", config.MaskDatabase(cfg.Database))
	return serveHTTP(ctx, cfg, srv, on, log, nil)
}

// discover follows the issuer until ctx ends.
func (a *app) discover(ctx context.Context, cfg config.Config, maxAge time.Duration, log *slog.Logger) (*scopes.Verifier, error) {
	audience := cfg.Tokens.Audience
	if audience == "" {
		audience = cfg.Issuer
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: issuerTime}).DialContext
	transport.TLSHandshakeTimeout, transport.ResponseHeaderTimeout = issuerTime, issuerTime
	return scopes.Discover(ctx, cfg.Issuer, audience, scopes.DiscoverOptions{
		Revocations: scopes.RevocationOptions{Poll: listPoll, MaxAge: maxAge, Required: true},
		Transport:   transport, Now: a.now,
		OnError: func(err error) {
			log.Warn("cannot fetch from the issuer; tokens get 503 where its keys are missing or its list of revocations is older than --revocations-max-age",
				"error", err)
		},
	})
}
