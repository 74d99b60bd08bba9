package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/store"
)

// requestView is what is known of a request: of its refusal, if it was refused, and of what was decided in it.
type requestView struct {
	ID      string `json:"request_id"`
	At      string `json:"at"`
	Refused bool   `json:"refused"`

	Reason string `json:"reason,omitempty"`
	What   string `json:"what,omitempty"`   // what such a reason means
	Detail string `json:"detail,omitempty"` // what it was about in this request
	Fix    string `json:"fix,omitempty"`

	Method    string `json:"method,omitempty"`
	Route     string `json:"route,omitempty"`
	GrantType string `json:"grant_type,omitempty"`
	Address   string `json:"address,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	UserID    string `json:"user_id,omitempty"`
	GrantID   string `json:"gid,omitempty"`

	Status      string `json:"status,omitempty"` // what the caller was told, from here on
	Error       string `json:"error,omitempty"`
	Description string `json:"error_description,omitempty"`

	Events []eventLine `json:"events"` // of the request, the refusal left out
	Around []eventLine `json:"around"` // of the same authorization, in other requests
	Now    []string    `json:"now"`    // what is known of client, user and authorization by now
}

// eventLine is an event as this command prints it.
type eventLine struct {
	At        string `json:"at"`
	Type      string `json:"type"`
	RequestID string `json:"request_id,omitempty"`
	Actor     string `json:"actor,omitempty"`
	Address   string `json:"address,omitempty"`
}

func lineOf(e store.StoredEvent) eventLine {
	return eventLine{when(e.At), e.Type, e.RequestID, e.Actor, e.Address}
}

func (l eventLine) String() string {
	text := l.At + "  " + l.Type
	for _, part := range []struct{ word, value string }{{" by ", l.Actor}, {" from ", l.Address}, {", request ", l.RequestID}} {
		if part.value != "" {
			text += part.word + part.value
		}
	}
	return text
}

// explainRequest prints what the audit log has of a request.
func (a *app) explainRequest(ctx context.Context, ad admin, id string) error {
	events, err := settledEvents(ctx, ad, id)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return notKept(ctx, ad, id)
	}
	v := viewRequest(id, events)
	if err := v.lookAround(ctx, ad); err != nil {
		return err
	}
	if a.output == "json" {
		return a.json(v)
	}
	v.print(a)
	return nil
}

// refusalDelay is how long after the answer a refusal may come into the log: servers write many at once.
const refusalDelay = time.Second

// settledEvents are the events of a request, once a refusal must be among them if there was one.
func settledEvents(ctx context.Context, ad admin, id string) (events []store.StoredEvent, err error) {
	for tries := range 10 {
		if tries > 0 {
			time.Sleep(refusalDelay / 10)
		}
		events, err = eventsOfBoth(ctx, ad.db, store.EventFilter{RequestID: id})
		if err != nil || slices.ContainsFunc(events, isRefusal) {
			break
		}
		if len(events) > 0 && ad.now().Sub(events[len(events)-1].At) > refusalDelay {
			break
		}
	}
	return events, err
}

// eventsOfBoth are the events of both chains in the order in which they happened.
func eventsOfBoth(ctx context.Context, db *store.DB, f store.EventFilter) (events []store.StoredEvent, err error) {
	for _, f.Chain = range []string{store.Routine, store.Decisions} {
		found, err := db.Events(ctx, f)
		if err != nil {
			return nil, err
		}
		events = append(events, found...)
	}
	slices.SortStableFunc(events, func(x, y store.StoredEvent) int { return x.At.Compare(y.At) })
	return events, nil
}

func isRefusal(e store.StoredEvent) bool {
	return e.Type == "request.refused" || e.Type == "login.refused"
}

func viewRequest(id string, events []store.StoredEvent) requestView {
	v := requestView{ID: id, At: when(events[0].At), Events: []eventLine{}, Around: []eventLine{}, Now: []string{}}
	for _, e := range events {
		v.Address, v.ClientID = cmp.Or(v.Address, e.Address), cmp.Or(e.ClientID, v.ClientID)
		v.UserID, v.GrantID = cmp.Or(e.Subject, v.UserID), cmp.Or(e.GrantID, v.GrantID)
		if !isRefusal(e) {
			line := lineOf(e)
			line.RequestID = "" // it goes without saying
			v.Events = append(v.Events, line)
			continue
		}
		in := func(name string) string {
			if e.Detail[name] == nil {
				return ""
			}
			return fmt.Sprint(e.Detail[name])
		}
		v.Refused, v.At, v.Error = true, when(e.At), e.Outcome
		v.Reason, v.Detail, v.Description = in("reason"), in("cause"), in("description")
		v.Method, v.Route, v.GrantType, v.Status = in("method"), in("route"), in("grant_type"), in("status")
	}
	return v
}

func (v requestView) print(a *app) {
	if v.Refused {
		a.paragraphs("reason", v.Reason, "what", v.What, "here", v.Detail, "to mend it", v.Fix)
		fmt.Fprintln(a.stdout)
	}
	request := strings.TrimSpace(v.Method + " " + v.Route)
	if v.GrantType != "" {
		request += ", grant_type " + v.GrantType
	}
	a.paragraphs("request", v.ID, "at", v.At, "asked", request, "from", v.Address, "client", v.ClientID, "user", v.UserID, "authorization", v.GrantID)
	if v.Refused {
		a.paragraphs("told", strings.TrimSpace(v.Status+" "+v.Error)+": "+v.Description)
	} else {
		a.paragraphs("refused", "no: what is below was done")
	}
	a.list("in the same request:", eventTexts(v.Events))
	a.list("the same authorization in other requests:", eventTexts(v.Around))
	a.list("now:", v.Now)
}

func eventTexts(lines []eventLine) (texts []string) {
	for _, l := range lines {
		texts = append(texts, l.String())
	}
	return texts
}

// list prints lines below a title, if there are any.
func (a *app) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(a.stdout, "\n%s\n", title)
	for _, line := range lines {
		fmt.Fprintln(a.stdout, "  "+printable(line))
	}
}

// notKept says why there may be nothing of a request, and where to look then.
func notKept(ctx context.Context, ad admin, id string) error {
	first, err := ad.db.Events(ctx, store.EventFilter{Limit: 1})
	if err != nil {
		return err
	}
	database := config.MaskDatabase(ad.cfg.Database)
	if len(first) == 0 {
		return fmt.Errorf("the audit log of %s is empty: look whether --database is the server's, and search the server's log for %s", database, id)
	}
	counted, err := ad.db.Events(ctx, store.EventFilter{Type: "audit.summary", Limit: 1, Newest: true})
	if err != nil {
		return err
	}
	storm := ""
	if len(counted) > 0 {
		storm = fmt.Sprintf(" (the last time about %s)", counted[0].At.UTC().Format(time.RFC3339))
	}
	return fmt.Errorf("the audit log of %s, which begins at %s, has nothing of request %s: requests that were answered without a decision, paths "+
		"that do not exist and methods that they do not have are not kept, nor what \"grantd resource\" refuses, of a storm of refusals only the first%s, and nothing for longer than audit.retention; while the database cannot be written, events wait; search the server's log for %s",
		database, when(first[0].At), id, storm, id)
}
