package server

import (
	"fmt"
	"time"

	"github.com/grantd/grantd/store"
)

// RevokeMany makes n access tokens revoked in memory, as a poll would.
func (s *Server) RevokeMany(n int) {
	for i := range n {
		s.RevokeID(fmt.Sprint("many-", i))
	}
}

// RevokeID makes the access token of that jti revoked in memory.
func (s *Server) RevokeID(jti string) {
	now := s.Now()
	s.live.add(store.Revocation{Kind: store.RevokedToken, ID: jti, RevokedAt: now, ExpiresAt: accessEnd(now)})
}

// MakeList makes a list whether or not it would be another, and returns its length.
func (s *Server) MakeList() (int, error) {
	list, err := s.makeList(time.Now())
	if err != nil {
		return 0, err
	}
	return len(list.body), nil
}
