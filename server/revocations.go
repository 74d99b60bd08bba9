package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// How far polls read back before the last one that succeeded. A revocation is dated
// before it is committed: seldom by more than a request may take, never by more than
// the store lets it.
const (
	pollOverlap = maxTime + leeway + 10*time.Second    // and clocks may differ
	lateOverlap = store.LatestRevocation + time.Minute // of a poll every lateEvery
	lateEvery   = 10 * time.Second
)

// freshFor is how old the last look at the database may be (contract §4: refused
// within one second on every replica).
const freshFor = time.Second

// revocations is what was revoked within the last access-token life, kept in
// memory so that validating a token asks no database.
type revocations struct {
	changed func(store.Revocation) // hears of each that is news

	mu      sync.RWMutex
	entries map[revocationID]store.Revocation
	list    []listing // of all entries that revoke tokens
	changes uint64    // of list
	asOf    time.Time // everything that was revoked before is known
	late    time.Time // when it was last looked for what was committed late
	doubt   time.Time // until when clocks may differ from one another
	tidied  time.Time
}

type revocationID struct {
	kind store.RevocationKind
	id   string
}

func newRevocations(changed func(store.Revocation)) *revocations {
	return &revocations{changed: changed, entries: map[revocationID]store.Revocation{}}
}

// poll reads what was revoked since the last poll and forgets what expired. now is
// the time before the database is asked.
func (l *revocations) poll(ctx context.Context, db *store.DB, now time.Time) error {
	// What expired by a clock that was wrong is asked for, too.
	rows, err := db.Revocations(ctx, l.since(now), now.Add(-mostAhead))
	if err != nil {
		return err
	}
	for _, r := range l.learn(rows, now) {
		l.changed(r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asOf = now // last: whoever finds this fresh also finds dropped what changed
	return nil
}

// since is from when on to ask.
func (l *revocations) since(now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	back := pollOverlap
	if !within(now.Sub(l.late), lateEvery) {
		l.late, back = now, lateOverlap
		if now.Before(l.doubt) {
			back += mostAhead
		}
	}
	if l.asOf.IsZero() {
		return time.Time{}
	}
	return earlier(l.asOf, now).Add(-back) // now is the earlier one when our clock was set back
}

// suspect makes polls look back further for a while: the clock of the database was
// changed, and other servers go by the old one until they notice.
func (l *revocations) suspect(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late, l.doubt = time.Time{}, now.Add(time.Minute)
}

// learn takes in what was read and returns what of it is news.
func (l *revocations) learn(rows []store.Revocation, now time.Time) (news []store.Revocation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, row := range rows {
		if l.take(row) {
			news = append(news, row)
		}
	}
	if now.Sub(l.tidied).Abs() > time.Minute {
		l.tidied = now
		expired := now.Add(-mostAhead)
		maps.DeleteFunc(l.entries, func(_ revocationID, r store.Revocation) bool { return !r.ExpiresAt.After(expired) })
		l.list = slices.Clip(slices.DeleteFunc(l.list, func(e listing) bool { return e.expiresAt <= expired.UnixMilli() }))
	}
	return news
}

// take takes in one, and tells whether it is news.
func (l *revocations) take(r store.Revocation) bool {
	id := revocationID{r.Kind, r.ID}
	known, ok := l.entries[id]
	if ok && (known.RevokedAt.Equal(r.RevokedAt) || !again(r.Kind)) {
		return false
	}
	l.entries[id] = r
	e, revokes := newListing(r)
	if !revokes {
		return true
	}
	if before, _ := newListing(known); ok {
		l.list = slices.DeleteFunc(l.list, func(e listing) bool { return e.Revocation == before.Revocation })
	}
	l.list = append(l.list, e)
	l.changes++
	return true
}

// again is whether the same may be revoked once more, later. What is revoked once for
// all has one date; our own have more digits at first than what comes from the database.
func again(kind store.RevocationKind) bool {
	return kind == store.RevokedClient || kind == store.ChangedClient
}

// fresh is whether all that was revoked up to a second ago is known. To be asked
// before the look at what is known, or a poll in between would make it look newer.
func (l *revocations) fresh(now time.Time) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	// By both clocks of the machine: one stands still while it is suspended, one can be set.
	return within(now.Sub(l.asOf), freshFor) && within(now.Round(0).Sub(l.asOf), freshFor)
}

// known is how many are kept.
func (l *revocations) known() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.entries)
}

// age is how long ago the last poll that succeeded began.
func (l *revocations) age(now time.Time) time.Duration {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return now.Sub(l.asOf)
}

// add makes a revocation of this server's own count at once; the others hear of
// it at their next poll.
func (l *revocations) add(r store.Revocation) {
	r.ID = strings.Clone(r.ID) // it may be a piece of a token's claims, and is kept for hours
	l.mu.Lock()
	defer l.mu.Unlock()
	l.take(r)
}

// revoked tells whether a token is revoked. When the polls fail it asks the
// database about this one, and when that fails nobody knows: fail closed.
func (s *Server) revoked(ctx context.Context, c *scopes.Claims) (bool, error) {
	rec := recordOf(ctx)
	rec.token = c
	fresh := s.live.fresh(s.Now())
	if known := s.live.revoked(c); known || fresh {
		if known {
			rec.revocation = s.live.why(c)
		}
		return known, nil
	}
	ctx, cancel := context.WithTimeout(ctx, taskTime) // a caller of a resource has less patience than one who logs in
	defer cancel()
	rows, err := s.DB.RevocationsOf(ctx, c.ID, c.GrantID, c.ClientID)
	return slices.ContainsFunc(rows, func(r store.Revocation) bool {
		return r.Revokes(c.ID, c.GrantID, c.ClientID, c.IssuedAt)
	}), err
}

// why is, for the operator, how a token that is refused came to be revoked.
func (l *revocations) why(c *scopes.Claims) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, of := range [...]struct {
		kind     store.RevocationKind
		what, id string
	}{{store.RevokedToken, "the token", c.ID}, {store.RevokedGrant, "authorization", c.GrantID}, {store.RevokedClient, "client", c.ClientID}} {
		if r, ok := l.entries[revocationID{of.kind, of.id}]; ok && r.Revokes(c.ID, c.GrantID, c.ClientID, c.IssuedAt) {
			return fmt.Errorf("%s %s was revoked at %s", of.what, of.id, r.RevokedAt.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// revoked reports whether the token, its authorization or its client is known to
// be revoked.
func (l *revocations) revoked(c *scopes.Claims) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if len(l.entries) == 0 {
		return false
	}
	for _, id := range [...]revocationID{{store.RevokedToken, c.ID}, {store.RevokedGrant, c.GrantID}, {store.RevokedClient, c.ClientID}} {
		if r, ok := l.entries[id]; ok && r.Revokes(c.ID, c.GrantID, c.ClientID, c.IssuedAt) {
			return true
		}
	}
	return false
}
