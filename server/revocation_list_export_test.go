package server

import (
	"fmt"

	"github.com/grantd/grantd/store"
)

// RevokeMany makes n access tokens revoked in memory, as a poll would.
func (s *Server) RevokeMany(n int) {
	now := s.Now()
	for i := range n {
		s.live.add(store.Revocation{Kind: store.RevokedToken, ID: fmt.Sprint("many-", i), RevokedAt: now, ExpiresAt: accessEnd(now)})
	}
}

// MakeList makes a list whether or not it would be another, and returns its length.
func (s *Server) MakeList() (int, error) {
	list, err := s.makeList()
	if err != nil {
		return 0, err
	}
	return len(list.body), nil
}
