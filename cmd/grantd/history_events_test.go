package main

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// A history is all that was asked of several replicas and all that they
// answered: what one authorization server would have to account for.
type history struct {
	began  time.Time
	mu     sync.Mutex
	events []event
}

func newHistory() *history { return &history{began: time.Now()} }

// now is the time on the history's own clock, which nobody can set.
func (h *history) now() time.Duration { return time.Since(h.began) }

func (h *history) add(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

// all returns the events so far, by start.
func (h *history) all() []event {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.Clone(h.events)
	slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(a.start, b.start) })
	return all
}

// count tells how many events of a kind ok chooses.
func (h *history) count(kind eventKind, ok func(event) bool) (n int) {
	for _, e := range h.all() {
		if e.kind == kind && ok(e) {
			n++
		}
	}
	return n
}

// event is one request about one authorization, and what came of it.
type event struct {
	kind       eventKind
	grant      string
	replica    int
	direct     bool          // sent to that replica, whether or not it was up
	start, end time.Duration // when it was sent, and when its answer came or was given up
	gen        int64         // of the refresh token presented
	jti        string        // of the access token presented or given
	stolen     bool          // sent by somebody who does not keep to the last token given
	status     int           // 0: no answer came
	said       string        // the error code and its description, or why no answer came
	next       int64         // generation of the refresh token given
	refresh    string        // that token
}

// eventKind is what was asked.
type eventKind int

const (
	loggedIn  eventKind = iota // an authorization began
	refreshed                  // POST /refresh
	revoked                    // POST /revoke, or an operator ended the authorization
	used                       // GET /status/ with an access token
)

var eventKinds = [...]string{"login", "refresh", "revoke", "use"}

func (e event) String() string {
	s := fmt.Sprintf("%8.3fs-%8.3fs replica %d %s", e.start.Seconds(), e.end.Seconds(), e.replica, eventKinds[e.kind])
	switch {
	case e.kind == refreshed:
		s += fmt.Sprintf(" generation %d", e.gen)
	case e.kind == used:
		s += " " + e.jti
	}
	switch {
	case e.stolen:
		s += " (stolen)"
	case e.next != 0:
		return s + fmt.Sprintf(": %d, generation %d", e.status, e.next)
	}
	return s + fmt.Sprintf(": %d %s", e.status, e.said)
}

// unknown tells whether the server may or may not have done what was asked: the
// answer was lost, or said that the database's was.
func (e event) unknown() bool { return e.status == 0 || e.status == 503 }

// done tells whether the server did what was asked.
func (e event) done() bool { return e.status == 200 }

// byGrant parts events by authorization, in the order that they began. Logins that
// were lost belong to none.
func byGrant(events []event) (parts [][]event) {
	at := map[string]int{}
	for _, e := range events {
		if e.grant == "" {
			continue
		}
		i, known := at[e.grant]
		if !known {
			i = len(parts)
			at[e.grant] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], e)
	}
	return parts
}

// rules are what the replicas whose history it is have promised.
type rules struct {
	grace time.Duration // tokens.reuse_grace
	skew  time.Duration // how far their clocks disagree
}

// effective is how soon every replica refuses what one of them revoked. Tests let that time pass, and then
// want no replica to accept it: one that has not heard of it by then has to ask or to refuse, however busy
// the machine is.
const effective = time.Second

// wantKept wants the history to be one that the rules allow.
func (h *history) wantKept(t *testing.T, r rules) {
	t.Helper()
	events := h.all()
	for _, part := range byGrant(events) {
		problems := slices.Concat(invariants(part), outsideModel(part, r))
		for _, p := range problems {
			t.Errorf("authorization %s: %s", part[0].grant, p)
		}
		if len(problems) > 0 {
			t.Logf("authorization %s:\n%s", part[0].grant, excerpt(part))
		}
	}
}

// excerpt prints the end of what happened to an authorization.
func excerpt(part []event) (text string) {
	const most = 60
	for _, e := range part[max(0, len(part)-most):] {
		text += e.String() + "\n"
	}
	return text
}
