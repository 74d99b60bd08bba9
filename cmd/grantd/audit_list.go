package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

func (a *app) auditCommand() *cobra.Command {
	return group("audit", "Read the audit log, and prove that nobody changed it", a.auditListCommand(), a.auditVerifyCommand())
}

const (
	mostNewest  = 10_000      // events that are held in memory, to print the newest last
	followEvery = time.Second // between looks for new events
	mostNames   = 10_000      // users whose names are remembered
)

// auditAsked is what the flags of "audit list" say.
type auditAsked struct {
	user, since, until string
	limit              int
	routine, follow    bool
	filter             store.EventFilter
}

func (a *app) auditListCommand() *cobra.Command {
	var in auditAsked
	cmd := databaseCommand("list", "List events of the audit log, the newest last", noArgs, nil)
	cmd.Long = "List events of the audit log, the newest last: the last 100, or all since a time. Decisions are listed: logins, consents,\n" +
		"authorizations, revocations, refusals, changes by commands. With --routine it is their everyday use: refreshes, and\n" +
		"tokens of client_credentials. With --request it is both, unless --follow is given. With --output json it is an array; with\n" +
		"--follow, which has no end, each event is an object on a line of its own."
	cmd.Example = "  grantd audit list --user alice --since 24h\n  grantd audit list --type 'login.*' --follow\n  grantd audit list --request 4XQK… --output json"
	f := cmd.Flags()
	f.StringVar(&in.user, "user", "", "those about this user: username, email, or id when the user is gone")
	f.StringVar(&in.filter.ClientID, "client", "", "those about this client")
	f.StringVar(&in.since, "since", "", "those at or after a time, such as 2h (ago), 2026-03-01 or 2026-03-01T12:00:00Z")
	f.StringVar(&in.until, "until", "", "those before a time")
	f.StringVar(&in.filter.Type, "type", "", "those of this type; * stands for anything: 'session.*'")
	f.StringVar(&in.filter.RequestID, "request", "", "those of the request with this id (X-Request-Id), everyday use too")
	f.IntVar(&in.limit, "limit", 100, "the newest so many; 0 for all, which is the default with --since")
	f.BoolVar(&in.routine, "routine", false, "everyday use instead of decisions")
	f.BoolVar(&in.follow, "follow", false, "go on with new ones as they come, until interrupted")
	cmd.RunE = a.onDatabase(func(ctx context.Context, ad admin, _ []string) error {
		if in.since != "" && !f.Changed("limit") {
			in.limit = 0
		}
		if err := in.complete(ctx, ad); err != nil {
			return err
		}
		return a.auditList(ctx, ad, in)
	})
	return cmd
}

// complete makes the filter of what the flags say.
func (in *auditAsked) complete(ctx context.Context, ad admin) (err error) {
	if in.limit < 0 || in.limit > mostNewest {
		return fmt.Errorf("--limit %d: give a number up to %d, or 0 for all", in.limit, mostNewest)
	}
	if in.filter.Since, err = pointInTime("since", in.since, ad.now()); err != nil {
		return err
	}
	if in.filter.Until, err = pointInTime("until", in.until, ad.now()); err != nil {
		return err
	}
	in.filter.Chain = store.Decisions
	if in.routine {
		in.filter.Chain = store.Routine
	}
	if in.user == "" {
		return nil
	}
	in.filter.Subject, err = subjectNamed(ctx, ad.db, in.user)
	return err
}

// subjectNamed is the id of the user of that username or email, or the id itself. Who is deleted is known by that alone.
func subjectNamed(ctx context.Context, db *store.DB, name string) (id string, err error) {
	u, err := db.UserByLogin(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		u, err = db.User(ctx, name)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return u.ID, err
	}
	for _, chain := range []string{store.Decisions, store.Routine} {
		found, err := db.Events(ctx, store.EventFilter{Chain: chain, Subject: name, Limit: 1})
		if err != nil || len(found) > 0 {
			return name, err
		}
	}
	return "", fmt.Errorf("there is no user %q, and no event about one; \"grantd user list\" shows all, and events of deleted users are found by their id", name)
}

// pointInTime reads a time, or how long ago it was.
func pointInTime(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--%s %q is no time; write 2h (ago), 2026-03-01 or 2026-03-01T12:00:00Z", flag, text)
}

func (a *app) auditList(ctx context.Context, ad admin, in auditAsked) error {
	out := &eventPrinter{app: a, db: ad.db, endless: in.follow, names: map[string]string{}}
	f := in.filter
	if f.RequestID != "" && !in.routine && !in.follow {
		return out.request(ctx, f, in.limit)
	}
	if !f.Since.IsZero() {
		after, err := ad.db.EventsSince(ctx, f.Chain, f.Since)
		if err != nil {
			return err
		}
		f.After = after
	}
	if in.limit > 0 {
		f.Newest, f.Limit = true, in.limit
		if err := out.next(ctx, &f); err != nil || !in.follow {
			return errors.Join(err, out.end())
		}
	}
	f.Newest, f.Limit = false, page
	return out.all(ctx, f, in.follow)
}
