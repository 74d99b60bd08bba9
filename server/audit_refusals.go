package server

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/grantd/grantd/store"
	"golang.org/x/time/rate"
)

// A storm of guesses must not fill the disk. So many refusals are kept, the others are counted; the log has them all.
const (
	refusalBurst   = 1000
	refusalRate    = 5 // each second
	summaryEvery   = 10 * time.Second
	mostKinds      = 50 // that are told apart in a summary
	mostAddresses  = 1000
	namedAddresses = 5
)

const summaryType = "audit.summary"

// refusals keeps count of those that are left out of the audit log.
type refusals struct {
	budget  *rate.Limiter
	replays *rate.Limiter // of codes; apart, so that no storm of refusals hides them

	mu        sync.Mutex
	kinds     map[refusalKind]int
	addresses map[string]int // of the first ones; from the others it makes no difference
	timer     *time.Timer
}

type refusalKind struct{ event, outcome, reason string }

func newRefusals() refusals {
	return refusals{
		budget: rate.NewLimiter(refusalRate, refusalBurst), replays: rate.NewLimiter(refusalRate, refusalBurst),
		kinds: map[refusalKind]int{}, addresses: map[string]int{},
	}
}

// refuse adds the event of a request that was refused, or counts it.
func (r *recorder) refuse(ctx context.Context, rec *record, event func() store.Event) {
	switch {
	case r.write == nil:
	case r.refusals.budget.Allow():
		r.add(ctx, event())
	default:
		r.leaveOut(refusalKind{rec.event, rec.outcome, string(rec.reason)}, rec.from, 1)
	}
}

// affords is whether an event is kept; if not, it is counted. Who has a spent code can send it as often as they like, with no password and
// nothing else that is used up.
func (r *recorder) affords(e store.Event) bool {
	if e.Type != "authorization_code.reused" || r.write == nil || r.refusals.replays.Allow() {
		return true
	}
	r.leaveOut(refusalKind{event: e.Type, outcome: e.Outcome}, e.Address, 1)
	return false
}

// leaveOut counts what is not kept.
func (r *recorder) leaveOut(kind refusalKind, address string, times int) {
	c := &r.refusals
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.kinds[kind]; !known && len(c.kinds) >= mostKinds {
		kind = refusalKind{event: kind.event, outcome: "other"}
	}
	c.kinds[kind] += times
	if _, known := c.addresses[address]; address != "" && (known || len(c.addresses) < mostAddresses) {
		c.addresses[address] += times
	}
	if c.timer == nil {
		c.timer = time.AfterFunc(summaryEvery, r.summarize)
	}
}

// summarize adds one event for all that was left out since the last.
func (r *recorder) summarize() {
	c := &r.refusals
	c.mu.Lock()
	kinds, addresses := c.kinds, c.addresses
	c.kinds, c.addresses = map[refusalKind]int{}, map[string]int{}
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	c.mu.Unlock()
	if len(kinds) == 0 {
		return
	}
	e := store.Event{At: r.now(), Type: summaryType, Outcome: "ok", Detail: summaryOf(kinds, addresses)}
	r.log.LogAttrs(context.Background(), slog.LevelWarn, "audit", eventAttrs(e)...)
	if r.add(context.Background(), e) == nil && !r.over() { // there was no room: the next one says it
		for kind, times := range kinds {
			r.leaveOut(kind, "", times)
		}
	}
}

func summaryOf(kinds map[refusalKind]int, addresses map[string]int) store.Detail {
	var of, from []store.Detail
	total := 0
	for _, kind := range mostFirst(kinds) {
		total += kinds[kind]
		of = append(of, store.Detail{"event": kind.event, "outcome": kind.outcome, "reason": kind.reason, "count": kinds[kind]})
	}
	for i, address := range mostFirst(addresses) {
		if i < namedAddresses {
			from = append(from, store.Detail{"from": address, "count": addresses[address]})
		}
	}
	return store.Detail{"left_out": total, "of": of, "addresses": from}
}

// mostFirst are the keys of counts by how many there are.
func mostFirst[K comparable](counts map[K]int) []K {
	keys := make([]K, 0, len(counts))
	for key := range counts {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b K) int { return cmp.Compare(counts[b], counts[a]) })
	return keys
}
