package server

import (
	"context"

	"github.com/grantd/grantd/store"
)

// client finds a client, kept in memory if what refuses access is known: then a refresh is
// one round trip to the database. It is not nil, whatever the error.
func (s *Server) client(ctx context.Context, id string) (c *store.Client, kept bool, err error) {
	now := s.Now()
	fresh := s.live.fresh(now) // first: see there
	if c := s.clients.get(id, now); c != nil && fresh {
		s.clients.usage.hits.Add(1)
		return c, true, nil
	}
	s.clients.usage.misses.Add(1)
	c, err = s.readClient(ctx, id)
	return c, false, err
}

// readClient finds a client in the database.
func (s *Server) readClient(ctx context.Context, id string) (*store.Client, error) {
	now, dropped := s.Now(), s.clients.drops()
	c, err := s.DB.Client(ctx, id)
	if err == nil {
		s.clients.put(id, &c, now, dropped)
	}
	return &c, err
}
