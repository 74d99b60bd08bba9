package server

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// pollOverlap is how far each poll reads back over what the last one saw: a
// replica whose clock is behind writes revocations with earlier times.
const pollOverlap = 5 * time.Minute

// revocations is what was revoked within the last access-token life, kept in
// memory so that validating a token asks no database.
type revocations struct {
	mu      sync.RWMutex
	entries map[revocationID]store.Revocation
	newest  time.Time // of all revoked_at seen that do not lie in the future
}

type revocationID struct {
	kind store.RevocationKind
	id   string
}

func newRevocations() *revocations {
	return &revocations{entries: map[revocationID]store.Revocation{}}
}

// poll reads what was revoked since the last poll and forgets what expired.
func (l *revocations) poll(ctx context.Context, db *store.DB, now time.Time) error {
	l.mu.RLock()
	since := earlier(l.newest, now).Add(-pollOverlap) // now is the earlier one when our clock was set back
	l.mu.RUnlock()
	rows, err := db.Revocations(ctx, since, now)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, row := range rows {
		l.entries[revocationID{row.Kind, row.ID}] = row
		// One replica's clock that is hours ahead must not hide what the others revoke.
		if row.RevokedAt.After(l.newest) && !row.RevokedAt.After(now) {
			l.newest = row.RevokedAt
		}
	}
	maps.DeleteFunc(l.entries, func(_ revocationID, r store.Revocation) bool { return !r.ExpiresAt.After(now) })
	return nil
}

// add makes a revocation of this server's own count at once; the others hear of
// it at their next poll.
func (l *revocations) add(r store.Revocation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[revocationID{r.Kind, r.ID}] = r
}

// revoked reports whether the token, its authorization or its client was revoked.
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
