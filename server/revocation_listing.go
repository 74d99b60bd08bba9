package server

import (
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// listing is a revocation as it is published: hashed once, however often a list is made.
type listing struct {
	scopes.Revocation
	revokedAt, expiresAt int64 // in milliseconds since 1970
	token                bool  // nothing but a token that has expired by expiresAt
}

// newListing tells how r is published, if it revokes tokens.
func newListing(r store.Revocation) (e listing, revokes bool) {
	e = listing{revokedAt: r.RevokedAt.UnixMilli(), expiresAt: r.ExpiresAt.UnixMilli()}
	switch r.Kind {
	case store.RevokedToken:
		e.Revocation, e.token = scopes.RevokedToken(r.ID), true
	case store.RevokedGrant:
		e.Revocation = scopes.RevokedGrant(r.ID)
	case store.RevokedClient:
		e.Revocation = scopes.RevokedClient(r.ID, r.RevokedAt)
	default:
		return listing{}, false
	}
	return e, true
}

// listed gives what is to be published at now of what was revoked after since, up
// to when that is all, and by how many changes it came to be.
func (l *revocations) listed(now, since time.Time) (entries []scopes.Revocation, asOf time.Time, changes uint64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	entries = make([]scopes.Revocation, 0, len(l.list))
	for _, e := range l.list {
		// Most other revocations are remembered for as long as the settings allow a token to live, which
		// may be a hundred times as long as any does.
		if e.revokedAt > since.UnixMilli() && (!e.token || e.expiresAt > now.UnixMilli()) {
			entries = append(entries, e.Revocation)
		}
	}
	return entries, l.asOf, l.changes
}

func (l *revocations) changeCount() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.changes
}
