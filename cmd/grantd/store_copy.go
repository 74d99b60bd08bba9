package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// ends are the two databases of a copy, as settings.
type ends struct{ from, to string }

func (a *app) storeCopyCommand() *cobra.Command {
	var given ends
	cmd := &cobra.Command{
		Use: "copy", Short: "Copy everything into another database, to move there",
		Long: "Make a new database equal to the one in use: users, clients, authorizations, revocations, keys, items. Tokens\n" +
			"that are out stay good. Each end is sqlite:PATH or postgres://…; the one that is left out is the setting\n" +
			"database, which keeps a password off the command line, where other users of the machine can read it.\n\n" +
			"Copy while the servers run, stop them, copy again, which takes up only what has changed since, and start them\n" +
			"on the new database. An interrupted copy goes on when it is run again. In the end the rows of both sides are\n" +
			"counted and hashed. Status 1 says that they differ, or that something still uses the source (SQLite): then\n" +
			"nothing can use the new database before the copy has been run again. Once a server has run on it, it is not\n" +
			"copied to any more.",
		Example: "  GRANTD_DATABASE='postgres://grantd:PASSWORD@db.example.com/grantd?sslmode=verify-full' grantd store copy --from sqlite:grantd.db\n" +
			"  grantd store copy --from sqlite:grantd.db --to sqlite:/srv/grantd.db",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case given == ends{}:
				return errors.New("say which database to copy: --from, --to or both")
			case given.from == given.to:
				return errors.New("--from and --to are the same database")
			}
			return noArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd, config.Default())
			if err != nil {
				return err
			}
			return a.storeCopy(cmd.Context(), cfg, ends{cmp.Or(given.from, cfg.Database), cmp.Or(given.to, cfg.Database)})
		},
	}
	cmd.Flags().StringVar(&given.from, "from", "", "the database to copy; when left out, the setting database")
	cmd.Flags().StringVar(&given.to, "to", "", "the new database; when left out, the setting database")
	return cmd
}

func (a *app) storeCopy(ctx context.Context, cfg config.Config, between ends) error {
	if between.from == between.to {
		return fmt.Errorf("both ends are %s, the setting database; name the other one", config.MaskDatabase(between.from))
	}
	from, to, err := openEnds(ctx, cfg, between)
	if err != nil {
		return err
	}
	defer from.Close() // once more is no error
	defer to.Close()
	// Before, so that the copy has it, too.
	begun := store.Event{Type: "store.copy_began", Detail: store.Detail{"to": config.MaskDatabase(between.to)}}
	if err := a.recorded(ctx, admin{db: from, now: func() time.Time { return a.nowAt(ctx, from) }}, begun); err != nil {
		return err
	}
	show, wipe := a.copyProgress()
	start := time.Now()
	tables, err := from.CopyTo(ctx, to, show)
	wipe()
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted; the copy is unfinished, and goes on where it was when it is run again")
	case err != nil:
		return fmt.Errorf("copy %s to %s: %w", config.MaskDatabase(between.from), config.MaskDatabase(between.to), err)
	}
	if err := a.copied(between, tables, time.Since(start)); err != nil {
		return err
	}
	inUse, err := from.CloseSource(ctx, to)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", config.MaskDatabase(between.from), err)
	case inUse:
		return errors.New("equal, but a server or command still has the source open, and may write to it: stop it, wait until its process has ended, and run this again")
	case a.output == "json":
		return nil
	}
	return a.say(nil, "equal; nothing may write to the source any more")
}

func openEnds(ctx context.Context, cfg config.Config, between ends) (from, to *store.DB, err error) {
	// Before openCurrent, whose remedy is to make one.
	path, isFile := strings.CutPrefix(between.from, "sqlite:")
	if _, err := os.Stat(path); isFile && errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%s: there is no such file; name the database to copy with --from", between.from)
	}
	for _, database := range []string{between.from, between.to} {
		if err := config.CheckDatabase(database); err != nil {
			return nil, nil, err
		}
	}
	cfg.Database = between.from
	if from, err = openCurrent(ctx, cfg); err != nil {
		return nil, nil, fmt.Errorf("the source: %w", err)
	}
	cfg.Database = between.to
	if to, err = openStore(ctx, cfg); err != nil {
		from.Close()
		return nil, nil, fmt.Errorf("the target: %w", err)
	}
	return from, to, nil
}

// copyProgress shows on a terminal how far a copy has come, on one line that wipe removes.
func (a *app) copyProgress() (show func(table string, rows int), wipe func()) {
	file, ok := a.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil, func() {}
	}
	const blank = "\r\x1b[K"
	show = func(table string, rows int) { fmt.Fprintf(file, "%s%s: %s", blank, table, count(rows, "row")) }
	return show, func() { fmt.Fprint(file, blank) }
}

// copyView is what is printed of a copy.
type copyView struct {
	From         string      `json:"from"`
	To           string      `json:"to"`
	Equal        bool        `json:"equal"`
	Milliseconds int64       `json:"milliseconds"`
	Tables       []tableView `json:"tables"`
}

type tableView struct {
	Table   string      `json:"table"`
	Written int         `json:"written"`
	Removed int         `json:"removed"`
	Source  contentView `json:"source"`
	Target  contentView `json:"target"`
	Equal   bool        `json:"equal"`
}

type contentView struct {
	Rows   int    `json:"rows"`
	SHA256 string `json:"sha256"`
}

// copied prints both sides of each table. That they differ is a failure.
func (a *app) copied(between ends, tables []store.CopiedTable, took time.Duration) error {
	view := copyView{config.MaskDatabase(between.from), config.MaskDatabase(between.to), true, took.Milliseconds(), nil}
	var rows [][]string
	var differ []string
	for _, t := range tables {
		verdict := "equal"
		if !t.Equal() {
			verdict, view.Equal = "DIFFERENT", false
			differ = append(differ, t.Name)
		}
		view.Tables = append(view.Tables, tableView{t.Name, t.Written, t.Removed, contentView(t.Source), contentView(t.Target), t.Equal()})
		rows = append(rows, []string{t.Name, strconv.Itoa(t.Source.Rows), strconv.Itoa(t.Target.Rows),
			strconv.Itoa(t.Written), strconv.Itoa(t.Removed), t.Target.SHA256[:16], verdict})
	}
	if err := a.table(view, []string{"TABLE", "SOURCE", "TARGET", "WRITTEN", "REMOVED", "SHA-256", "RESULT"}, rows); err != nil {
		return err
	}
	if len(differ) > 0 {
		return fmt.Errorf("the source changed while it was copied (%s); stop the servers on it and run this again, which takes up what has changed",
			strings.Join(differ, ", "))
	}
	return nil
}
