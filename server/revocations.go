package server

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// pollOverlap is how far each poll reads back over what the last one saw: a
// replica whose clock is behind writes revocations with earlier times.
const pollOverlap = 5 * time.Minute

// freshFor is how old the last look at the database may be (contract §4: refused
// within one second on every replica).
const freshFor = time.Second

// revocations is what was revoked within the last access-token life, kept in
// memory so that validating a token asks no database.
type revocations struct {
	changed func(clientID string) // hears of each client that changed or was deleted

	mu      sync.RWMutex
	entries map[revocationID]store.Revocation
	newest  time.Time // of all revoked_at seen that do not lie in the future
	asOf    time.Time // everything that was revoked before is known
	tidied  time.Time
}

type revocationID struct {
	kind store.RevocationKind
	id   string
}

func newRevocations(changed func(clientID string)) *revocations {
	return &revocations{changed: changed, entries: map[revocationID]store.Revocation{}}
}

// poll reads what was revoked since the last poll and forgets what expired. now is
// the time before the database is asked.
func (l *revocations) poll(ctx context.Context, db *store.DB, now time.Time) error {
	l.mu.RLock()
	since := earlier(l.newest, now).Add(-pollOverlap) // now is the earlier one when our clock was set back
	l.mu.RUnlock()
	rows, err := db.Revocations(ctx, since, now)
	if err != nil {
		return err
	}
	for _, id := range l.learn(rows, now) {
		l.changed(id)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asOf = now // last: whoever finds this fresh also finds the clients dropped
	return nil
}

// learn takes in what was read and returns the clients whose rows are news.
func (l *revocations) learn(rows []store.Revocation, now time.Time) (changed []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, row := range rows {
		id := revocationID{row.Kind, row.ID}
		known, ok := l.entries[id]
		if ok && known.RevokedAt.Equal(row.RevokedAt) {
			continue
		}
		l.entries[id] = row
		if row.Kind == store.RevokedClient || row.Kind == store.ChangedClient {
			changed = append(changed, row.ID)
		}
		// One replica's clock that is hours ahead must not hide what the others revoke.
		if row.RevokedAt.After(l.newest) && !row.RevokedAt.After(now) {
			l.newest = row.RevokedAt
		}
	}
	if now.Sub(l.tidied).Abs() > time.Minute {
		l.tidied = now
		maps.DeleteFunc(l.entries, func(_ revocationID, r store.Revocation) bool { return !r.ExpiresAt.After(now) })
	}
	return changed
}

// fresh is whether all that was revoked up to a second ago is known.
func (l *revocations) fresh(now time.Time) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return within(now.Sub(l.asOf), freshFor)
}

// add makes a revocation of this server's own count at once; the others hear of
// it at their next poll.
func (l *revocations) add(r store.Revocation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[revocationID{r.Kind, r.ID}] = r
}

// revoked tells whether a token is revoked. When the polls fail it asks the
// database about this one, and when that fails nobody knows: fail closed.
func (s *Server) revoked(ctx context.Context, c *scopes.Claims) (bool, error) {
	if s.live.revoked(c) {
		return true, nil
	}
	if s.live.fresh(s.Now()) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, taskTime) // a caller of a resource has less patience than one who logs in
	defer cancel()
	rows, err := s.DB.RevocationsOf(ctx, c.ID, c.GrantID, c.ClientID)
	return slices.ContainsFunc(rows, func(r store.Revocation) bool {
		return r.Revokes(c.ID, c.GrantID, c.ClientID, c.IssuedAt)
	}), err
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
