package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
		"tokens of client_credentials. With --output json it is an array; with --follow, which has no end, each event is an object\n" +
		"on a line of its own."
	cmd.Example = "  grantd audit list --user alice --since 24h\n  grantd audit list --type 'login.*' --follow\n  grantd audit list --request 4XQK… --output json"
	f := cmd.Flags()
	f.StringVar(&in.user, "user", "", "those about this user: username, email, or id when the user is gone")
	f.StringVar(&in.filter.ClientID, "client", "", "those about this client")
	f.StringVar(&in.since, "since", "", "those at or after a time, such as 2h (ago), 2026-03-01 or 2026-03-01T12:00:00Z")
	f.StringVar(&in.until, "until", "", "those before a time")
	f.StringVar(&in.filter.Type, "type", "", "those of this type; * stands for anything: 'session.*'")
	f.StringVar(&in.filter.RequestID, "request", "", "those of the request with this id (X-Request-Id)")
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
	u, err := ad.db.UserByLogin(ctx, in.user)
	if errors.Is(err, store.ErrNotFound) { // who is deleted is known by the id alone
		u.ID, err = in.user, nil
	}
	in.filter.Subject = u.ID
	return err
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

// all prints what f picks, page by page, and goes on with what comes if it is to follow.
func (p *eventPrinter) all(ctx context.Context, f store.EventFilter, follow bool) error {
	for {
		before := f.After
		err := p.next(ctx, &f)
		switch {
		case follow && ctx.Err() != nil: // the way to end it
			return nil
		case err != nil:
			return err
		case f.After != before:
		case !follow:
			return p.end()
		default:
			select {
			case <-ctx.Done():
			case <-time.After(followEvery):
			}
		}
	}
}

// eventPrinter prints events as they come.
type eventPrinter struct {
	app     *app
	db      *store.DB
	endless bool              // for programs there are lines then, and else an array
	names   map[string]string // of users
	printed int
}

// next prints the events that f picks, and has it go on behind them.
func (p *eventPrinter) next(ctx context.Context, f *store.EventFilter) error {
	events, err := p.db.Events(ctx, *f)
	if err != nil || len(events) == 0 {
		return err
	}
	f.After = events[len(events)-1].Seq
	if err := p.learnNames(ctx, events); err != nil {
		return err
	}
	if p.app.output == "json" {
		return p.lines(events)
	}
	return p.rows(events)
}

func (p *eventPrinter) learnNames(ctx context.Context, events []store.StoredEvent) error {
	if len(p.names) > mostNames {
		clear(p.names)
	}
	for _, e := range events {
		if _, known := p.names[e.Subject]; known || e.Subject == "" {
			continue
		}
		u, err := p.db.User(ctx, e.Subject)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		p.names[e.Subject] = u.Username
	}
	return nil
}

// eventView is what is printed of an event for programs.
type eventView struct {
	Chain     string       `json:"chain"`
	Seq       int64        `json:"seq"`
	At        string       `json:"at"`
	Type      string       `json:"event"`
	Outcome   string       `json:"outcome"`
	RequestID string       `json:"request_id,omitempty"`
	Actor     string       `json:"actor,omitempty"`
	Subject   string       `json:"subject,omitempty"`
	Username  string       `json:"username,omitempty"` // where the user still exists
	ClientID  string       `json:"client_id,omitempty"`
	GrantID   string       `json:"grant_id,omitempty"`
	Address   string       `json:"address,omitempty"`
	Detail    store.Detail `json:"detail,omitempty"`
}

func (p *eventPrinter) view(e store.StoredEvent) eventView {
	return eventView{
		e.Chain, e.Seq, e.At.UTC().Format("2006-01-02T15:04:05.000Z"), e.Type, e.Outcome, e.RequestID, e.Actor, e.Subject, p.names[e.Subject],
		e.ClientID, e.GrantID, e.Address, e.Detail,
	}
}

// lines prints each event on a line, which is an element of an array unless there is no end.
func (p *eventPrinter) lines(events []store.StoredEvent) error {
	for _, e := range events {
		text, err := json.Marshal(p.view(e))
		if err != nil {
			return err
		}
		before, after := "", "\n"
		if !p.endless {
			before, after = ",\n", ""
			if p.printed == 0 {
				before = "[\n"
			}
		}
		p.printed++
		if _, err := fmt.Fprint(p.app.stdout, before, escape(string(text)), after); err != nil {
			return err
		}
	}
	return nil
}

func (p *eventPrinter) rows(events []store.StoredEvent) error {
	header := []string{"TIME", "EVENT", "OUTCOME", "USER", "CLIENT", "FROM", "REQUEST", "DETAIL"}
	if p.printed > 0 {
		header = nil
	}
	var rows [][]string
	for _, e := range events {
		p.printed++
		v := p.view(e)
		who := v.Username
		if who == "" {
			who = v.Subject
		}
		rows = append(rows, []string{v.At, v.Type, v.Outcome, who, v.ClientID, v.Address, v.RequestID, detailWords(v)})
	}
	return p.app.table(nil, header, rows)
}

// detailWords is what an event has besides, for people.
func detailWords(v eventView) string {
	var words []string
	if v.GrantID != "" {
		words = append(words, "grant="+v.GrantID)
	}
	if strings.HasPrefix(v.Actor, store.Operator) {
		words = append(words, "by="+v.Actor)
	}
	for _, key := range slices.Sorted(maps.Keys(v.Detail)) {
		value := v.Detail[key]
		text, isText := value.(string)
		if !isText {
			printed, _ := json.Marshal(value) // it came out of JSON
			text = string(printed)
		}
		words = append(words, key+"="+text)
	}
	return strings.Join(words, " ")
}

// end ends the array of programs, and shows people that nothing was found.
func (p *eventPrinter) end() error {
	switch {
	case p.app.output == "json" && p.printed == 0:
		return p.app.json([]eventView{})
	case p.app.output == "json":
		_, err := fmt.Fprintln(p.app.stdout, "\n]")
		return err
	case p.printed == 0:
		return p.rows(nil)
	}
	return nil
}
