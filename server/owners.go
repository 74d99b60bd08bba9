package server

import (
	"context"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// mostOwners is how many users are remembered. They take about 4 MB.
const mostOwners = 8192

// owner finds the user who granted a token, kept in memory if what refuses access is
// known. It is kept with the authorization, not by its own id: whoever is disabled or
// deleted loses all authorizations in the same transaction, so the feed of revocations
// says when to forget them, and before that the verifier refuses their tokens.
func (s *Server) owner(ctx context.Context, c *scopes.Claims) (store.User, error) {
	now := s.Now()
	fresh := s.live.fresh(now) // first: see there
	if u := s.owners.get(c.GrantID, now); u != nil && fresh && u.ID == c.Subject {
		s.owners.usage.hits.Add(1)
		return *u, nil
	}
	s.owners.usage.misses.Add(1)
	dropped := s.owners.drops()
	u, err := s.DB.User(ctx, c.Subject)
	if err == nil && u.DisabledAt.IsZero() {
		kept := u
		kept.PasswordHash = "" // what nobody asks for is not left lying about
		s.owners.put(c.GrantID, &kept, now, dropped)
	}
	return u, err
}

// forget drops what is kept of whom a revocation is about.
func (s *Server) forget(r store.Revocation) {
	switch r.Kind {
	case store.RevokedGrant:
		s.owners.drop(r.ID)
	case store.RevokedClient, store.ChangedClient:
		s.clients.drop(r.ID)
	}
}
