package storetest

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

// auditKey seals what servers write.
var auditKey = bytes.Repeat([]byte{1}, 32)

// event is one with everything in it, some seconds after now.
func event(kind string, seconds int) store.Event {
	return store.Event{
		At: now.Add(time.Duration(seconds) * time.Second), Type: kind, Outcome: "ok", RequestID: fmt.Sprint("r", seconds), Actor: "client:app", Subject: "u-john",
		ClientID: "app", GrantID: "g1", Address: "192.0.2.1", Detail: store.Detail{"scope": "me 'items' ü", "n": 1.5},
	}
}

// command is one as commands write them.
func command(kind string, seconds int) store.Event {
	return store.Event{At: now.Add(time.Duration(seconds) * time.Second), Type: kind, Outcome: "ok", Actor: store.Operator + "root"}
}

func appendEvents(t testing.TB, db *store.DB, key []byte, events ...store.Event) []store.Head {
	t.Helper()
	return get(db.AppendEvents(t.Context(), key, events))(t)
}

// WantChains verifies the chains and wants them to fit, with that many decisions and routine events.
func WantChains(t testing.TB, db *store.DB, key []byte, decisions, routine int, known ...store.Head) []store.VerifiedChain {
	t.Helper()
	found := get(db.VerifyEvents(t.Context(), key, known))(t)
	for i, want := range []int{decisions, routine} {
		if c := found[i]; c.Fault != "" || c.Events != want {
			t.Errorf("%s: %d events (want %d), at %d: %q", c.Chain, c.Events, want, c.FaultSeq, c.Fault)
		}
	}
	return found
}

func testEvents(t *testing.T, db *store.DB) {
	WantChains(t, db, auditKey, 0, 0)
	heads := appendEvents(t, db, auditKey, event("grant.created", 0), event("token.issued", 1), event("grant.revoked", 2))
	equal(t, "heads", []string{heads[0].Chain, fmt.Sprint(heads[0].Seq), heads[1].Chain, fmt.Sprint(heads[1].Seq)}, []string{"decisions", "2", "routine", "1"})
	equal(t, "heads later", get(db.EventHeads(t.Context()))(t), heads)
	equal(t, "a head as it is read", get(store.ParseHead(heads[0].String()))(t), heads[0])
	appendEvents(t, db, nil, command("user.added", 3))
	found := WantChains(t, db, auditKey, 3, 1)
	equal(t, "sealed and not", []int{found[0].Sealed, found[0].Unsealed, found[1].Sealed}, []int{2, 1, 1})
	appendEvents(t, db, auditKey, event("grant.revoked", 4))
	equal(t, "unsealed later", WantChains(t, db, auditKey, 4, 1)[0].Unsealed, 0)
	equal(t, "sealed without a key", WantChains(t, db, nil, 4, 1)[0].Sealed, 0)

	odd := event("grant.created", 5)
	odd.Address, odd.Detail = "zero\x00byte and \xff", store.Detail{"cause": "\x00\xff", "big": make([]int, 10000)}
	odd.RequestID = string(bytes.Repeat([]byte("ü"), 1000))
	appendEvents(t, db, auditKey, odd, store.Event{Type: "x"})
	WantChains(t, db, auditKey, 6, 1)
}

func testFindEvents(t *testing.T, db *store.DB) {
	ctx := t.Context()
	for i := range 10 {
		e := event("grant.created", i*3600)
		if i%2 == 1 {
			e.Type, e.Subject, e.ClientID = "session.started", "u-ann", ""
		}
		appendEvents(t, db, auditKey, e, event("token.issued", i*3600))
	}
	find := func(f store.EventFilter) (seqs []int64) {
		t.Helper()
		for _, e := range get(db.Events(ctx, f))(t) {
			seqs = append(seqs, e.Seq)
		}
		return seqs
	}
	first := get(db.Events(ctx, store.EventFilter{Limit: 1}))(t)[0]
	equal(t, "an event as it was", first, store.StoredEvent{Chain: store.Decisions, Seq: 1, Event: event("grant.created", 0)})
	equal(t, "the newest", find(store.EventFilter{Limit: 3, Newest: true}), []int64{8, 9, 10})
	equal(t, "a page", find(store.EventFilter{Limit: 3, After: 4}), []int64{5, 6, 7})
	equal(t, "of a request", find(store.EventFilter{RequestID: "r7200"}), []int64{3})
	equal(t, "of a user", find(store.EventFilter{Subject: "u-ann", Limit: 2}), []int64{2, 4})
	equal(t, "of a client", find(store.EventFilter{ClientID: "app", After: 5}), []int64{7, 9})
	equal(t, "of a type", find(store.EventFilter{Type: "session.*", Newest: true, Limit: 2}), []int64{8, 10})
	equal(t, "of no type", find(store.EventFilter{Type: "session_started"}), nil)
	equal(t, "of a time", find(store.EventFilter{Since: now.Add(3 * time.Hour), Until: now.Add(5 * time.Hour)}), []int64{4, 5})
	equal(t, "routine", find(store.EventFilter{Chain: store.Routine, Limit: 2}), []int64{1, 2})
	for hours := range 12 {
		after := get(db.EventsSince(ctx, store.Decisions, now.Add(time.Duration(hours)*time.Hour)))(t)
		equal(t, fmt.Sprintf("behind what is older than %d hours", hours), after, int64(max(hours-1, 0)))
	}
	equal(t, "in an empty chain", get(db.EventsSince(ctx, "none", now))(t), 0)
}

func testPruneEvents(t *testing.T, db *store.DB) {
	ctx := t.Context()
	var heads []store.Head
	for i := range 10 {
		heads = append(heads, appendEvents(t, db, auditKey, event("grant.created", i), event("grant.revoked", i))...)
	}
	prune := func(before, limit, want int) {
		t.Helper()
		equal(t, "pruned", get(db.PruneEvents(ctx, auditKey, store.Decisions, now.Add(time.Duration(before)*time.Second), limit))(t), want)
	}
	prune(0, 100, 0)
	prune(5, 3, 3) // in the midst of a batch
	found := WantChains(t, db, auditKey, 17, 0, heads[2:]...)
	equal(t, "the first", []int64{found[0].FirstSeq, found[0].Since.Unix() - now.Unix()}, []int64{4, 1})
	prune(5, 100, 7)
	prune(5, 100, 0)
	WantChains(t, db, auditKey, 10, 0)
	prune(100, 100, 10)
	WantChains(t, db, auditKey, 0, 0)
	appendEvents(t, db, auditKey, event("grant.created", 0))
	WantChains(t, db, auditKey, 1, 0)
	prune(100, 100, 1)
	equal(t, "pruned of what is not there", get(db.PruneEvents(ctx, auditKey, store.Routine, now, 10))(t), 0)
}

func testKnownHeads(t *testing.T, db *store.DB) {
	appendEvents(t, db, auditKey, event("grant.created", 0))
	noted := appendEvents(t, db, auditKey, event("grant.created", 1))[0]
	appendEvents(t, db, auditKey, event("grant.created", 2))
	WantChains(t, db, auditKey, 3, 0, noted)
	for what, head := range map[string]store.Head{
		"event 2 is not the one that was noted": {Chain: noted.Chain, Seq: 2, Hash: make([]byte, 32)},
		"its end was cut off":                   {Chain: noted.Chain, Seq: 4, Hash: noted.Hash},
	} {
		WantFault(t, db, auditKey, what, head)
	}
	for _, wrong := range []string{"", "decisions", "decisions:1", "decisions:x:" + noted.String()[12:], "other:" + noted.String()[10:], "decisions:0:" + noted.String()[12:]} {
		if _, err := store.ParseHead(wrong); err == nil {
			t.Errorf("%q is read as a head", wrong)
		}
	}
}

// WantFault wants one of the chains not to fit, for a reason with that in it.
func WantFault(t testing.TB, db *store.DB, key []byte, what string, known ...store.Head) {
	t.Helper()
	found := get(db.VerifyEvents(t.Context(), key, known))(t)
	if all := found[0].Fault + found[1].Fault; !bytes.Contains([]byte(all), []byte(what)) {
		t.Errorf("found %q, want %q", all, what)
	}
}

// RaceEvents lets 50 goroutines append events. They are spread over dbs, which are all the same database.
func RaceEvents(t *testing.T, dbs ...*store.DB) {
	race(t, 50, func(i int) ([]store.Head, error) {
		var events []store.Event
		for n := range 1 + i*7%100 { // of every size of statement
			events = append(events, event([]string{"token.issued", "grant.created"}[n%2], i))
		}
		if i%10 == 0 {
			return dbs[i%len(dbs)].AppendEvents(t.Context(), nil, []store.Event{command("user.added", i), command("user.deleted", i)})
		}
		return dbs[i%len(dbs)].AppendEvents(t.Context(), auditKey, events)
	})
	decisions, routine := 0, 0
	for i := range 50 {
		n := 1 + i*7%100
		if i%10 == 0 {
			decisions += 2
		} else {
			decisions, routine = decisions+n/2, routine+(n+1)/2
		}
	}
	WantChains(t, dbs[0], auditKey, decisions, routine)
}
