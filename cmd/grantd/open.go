package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

// longestAccess is the longest life of an access token that the settings allow,
// and room for clocks that disagree.
const longestAccess = 24*time.Hour + 2*time.Minute

// admin is what a command that works on the database needs.
type admin struct {
	cfg config.Config
	db  *store.DB
	// now is called right before the change that it dates, after prompts and
	// look-ups: servers that poll look back a few minutes only, and would not see
	// a revocation that is dated earlier.
	now func() time.Time
}

// until is how long a revocation made at now has to be remembered. The command
// may run without the server's settings, so it takes the longest life a token can have.
func until(now time.Time) time.Time { return now.Add(longestAccess) }

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
		return do(cmd.Context(), admin{cfg: cfg, db: db, now: func() time.Time { return a.nowAt(cmd.Context(), db) }}, args)
	}
}

// nowAt is the database's time, which servers go by, or this machine's where the
// database has none.
func (a *app) nowAt(ctx context.Context, db *store.DB) time.Time {
	if now, err := db.Clock(ctx); err == nil && !now.IsZero() {
		return now
	}
	return a.now()
}

var errNoFile = errors.New("there is no such file")

// openCurrent opens a database whose schema is up to date. It never makes one.
func openCurrent(ctx context.Context, cfg config.Config) (*store.DB, error) {
	path, isFile := strings.CutPrefix(cfg.Database, "sqlite:")
	if _, err := os.Stat(path); isFile && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w; correct the setting database, or make one with \"grantd migrate\"", cfg.Database, errNoFile)
	}
	db, err := openStore(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := db.CheckSchema(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", config.MaskDatabase(cfg.Database), err)
	}
	return db, nil
}

func openStore(ctx context.Context, cfg config.Config) (*store.DB, error) {
	if err := config.CheckDatabase(cfg.Database); err != nil {
		return nil, err
	}
	return store.Open(ctx, cfg.Database, store.Connections(cfg.DatabaseConnections))
}

// openMigrated opens a database, made if there is none, and brings its schema up to date.
func openMigrated(ctx context.Context, cfg config.Config) (*store.DB, error) {
	db, err := openStore(ctx, cfg)
	if err != nil {
		return nil, err
	}
	_, _, err = db.Migrate(ctx)
	if err == nil {
		err = db.CheckSchema(ctx) // it may be an unfinished copy
	}
	if err != nil {
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
	defer clear(key)
	return token.NewMaster(key)
}

// otherName adds the remedy to the refusal of a name that is taken.
func otherName(err error) error {
	if taken(err) {
		return fmt.Errorf("%w; choose another", err)
	}
	return err
}
