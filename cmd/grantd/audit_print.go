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
)

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
	return p.print(ctx, events)
}

// request prints the events of a request that f picks, of both chains: whoever has an id does not know in which it is.
func (p *eventPrinter) request(ctx context.Context, f store.EventFilter, limit int) error {
	f.Newest, f.Limit = limit > 0, limit
	events, err := eventsOfBoth(ctx, p.db, f)
	if err != nil {
		return err
	}
	if limit > 0 {
		events = events[max(0, len(events)-limit):]
	}
	return errors.Join(p.print(ctx, events), p.end())
}

func (p *eventPrinter) print(ctx context.Context, events []store.StoredEvent) error {
	if len(events) == 0 {
		return nil
	}
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
