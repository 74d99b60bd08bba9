package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// at makes the event that begins at second s and is answered 10 milliseconds later.
func at(s float64, e event) event {
	e.grant, e.start = "G", time.Duration(s*float64(time.Second))
	e.end = e.start + 10*time.Millisecond
	return e
}

func begun() event                     { return at(0, event{kind: loggedIn, status: 200, next: 1}) }
func rotated(gen, next int64) event    { return given(gen, next, "first") }
func ended() event                     { return event{kind: revoked, status: 200} }
func used200() event                   { return event{kind: used, status: 200} }
func lost(gen int64) event             { return event{kind: refreshed, gen: gen} }
func stolen(gen int64) event           { return event{kind: refreshed, gen: gen, stolen: true} }
func refused(gen int64) event          { return saying(gen, "invalid_grant the authorization was revoked") }
func refusedAsUsed(gen int64) event    { return saying(gen, "invalid_grant it was used before") }
func saying(gen int64, s string) event { return event{kind: refreshed, gen: gen, status: 400, said: s} }

func given(gen, next int64, token string) event {
	return event{kind: refreshed, gen: gen, status: 200, next: next, refresh: token}
}

func (e event) by(status int, said string) event {
	e.status, e.said = status, said
	return e
}

// insisting is a thief who gets an answer after so many that were lost.
func insisting(times int) (events []event) {
	for i := range times {
		events = append(events, at(3+float64(i)/10, stolen(1)))
	}
	return append(events, at(10, stolen(1).by(400, "invalid_grant used before")))
}

// until gives the event a later answer.
func (e event) until(s float64) event {
	e.end = time.Duration(s * float64(time.Second))
	return e
}

// The checker has to tell good from bad before it may judge anybody.
func TestHistoryChecker(t *testing.T) {
	t.Parallel()
	const grace = 30 * time.Second
	for _, c := range []struct {
		name   string
		events []event
		wants  []string // a problem for each; none: the history is good
	}{
		{"a chain", []event{at(1, rotated(1, 2)), at(2, rotated(2, 3)), at(3, used200())}, nil},
		{"a lost answer that was repeated", []event{at(1, lost(1)), at(2, rotated(1, 2)), at(3, rotated(2, 3))}, nil},
		{"a lost answer that took effect late", []event{at(1, lost(1)), at(2, lost(1)), at(40, rotated(1, 2))}, nil},
		{"a 503 counts as lost", []event{at(1, lost(1).by(503, "temporarily_unavailable")), at(2, rotated(1, 2))}, nil},
		{"two tabs", []event{at(1, rotated(1, 2)).until(3), at(2, rotated(1, 2)), at(4, rotated(2, 3))}, nil},
		{"ahead of a restored row", []event{at(1, rotated(7, 8)), at(2, rotated(8, 9))}, nil},
		{"revoked and refused", []event{at(1, rotated(1, 2)), at(2, ended()), at(2.5, used200()), at(4, refused(2))}, nil},
		{"a revocation that was lost", []event{at(1, ended().by(0, "EOF")), at(2, rotated(1, 2)), at(3, refused(2))}, nil},
		{"reuse ends it", []event{at(1, rotated(1, 2)), at(2, rotated(2, 3)), at(3, stolen(1).by(400, "invalid_grant used before")), at(4, refused(3))}, nil},
		{"a thief whose answers were lost", append([]event{at(1, rotated(1, 2)), at(2, rotated(2, 3))}, insisting(40)...), nil},
		{"a repeat past the grace", []event{at(1, rotated(1, 2)), at(40, stolen(1).by(400, "invalid_grant used before"))}, nil},

		{"a double spend", []event{at(1, given(1, 2, "one")), at(2, given(1, 2, "other"))}, []string{"honoured twice"}},
		{"a spent token goes on", []event{at(1, rotated(1, 2)), at(2, rotated(2, 3)), at(3, given(1, 4, "other"))},
			[]string{"honoured twice", "no order"}},
		{"a generation is left out", []event{at(1, rotated(1, 3))}, []string{"no order"}},
		{"a repeat past the grace is answered", []event{at(1, rotated(1, 2)), at(40, rotated(1, 2))}, []string{"no order"}},
		{"a repeat two behind is answered", []event{at(1, rotated(1, 2)), at(2, rotated(2, 3)), at(3, rotated(1, 2))}, []string{"no order"}},
		{"reuse without reuse", []event{at(1, rotated(1, 2)), at(2, stolen(1).by(400, "invalid_grant used before"))}, []string{"no order"}},
		{"a client signed out", []event{at(1, rotated(1, 2)), at(2, refused(2))}, []string{"signed out", "no order"}},
		{"a client signed out after a lost answer", []event{at(1, lost(1)), at(2, refusedAsUsed(1))}, []string{"signed out", "no order"}},
		{"an access token refused", []event{at(1, event{kind: used, status: 401})}, []string{"signed out"}},
		{"a revocation forgotten", []event{at(1, ended()), at(2, rotated(1, 2))}, []string{"forgotten", "no order"}},
		{"a revocation forgotten after a while", []event{at(1, ended()), at(2, refused(1)), at(3, rotated(1, 2))}, []string{"forgotten", "no order"}},
		{"a revocation unknown elsewhere", []event{at(1, ended()), at(2.5, used200())}, []string{"is not known"}},
		{"reuse forgotten", []event{at(1, rotated(1, 2)), at(2, rotated(2, 3)), at(3, stolen(1).by(400, "invalid_grant used before")), at(4, rotated(3, 4))},
			[]string{"forgotten", "no order"}},
		{"a fault shown", []event{at(1, lost(1).by(500, "server_error"))}, []string{"nobody expects", "no order"}},
		{"another refusal", []event{at(1, lost(1).by(400, "invalid_request"))}, []string{"signed out", "nobody expects", "no order"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			part := append([]event{begun()}, c.events...)
			got := slices.Concat(invariants(part), outsideModel(part, rules{grace: grace}))
			if len(got) != len(c.wants) {
				t.Fatalf("got %q; want %q", got, c.wants)
			}
			for i, want := range c.wants {
				if !strings.Contains(got[i], want) {
					t.Errorf("got %q; want %q", got[i], want)
				}
			}
		})
	}
}
