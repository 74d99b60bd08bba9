package server

import (
	"time"

	"github.com/grantd/grantd/store"
)

// RevocationsKept is how many revocations are in memory.
func (s *Server) RevocationsKept() int {
	s.live.mu.RLock()
	defer s.live.mu.RUnlock()
	return len(s.live.entries)
}

// RevocationsListed is how many would be published, were they new.
func (s *Server) RevocationsListed() int {
	s.live.mu.RLock()
	defer s.live.mu.RUnlock()
	return len(s.live.list)
}

// PollsSince is from when on a poll at now would ask.
func (s *Server) PollsSince(now time.Time) time.Time {
	l := &revocations{asOf: s.live.asOf, late: s.live.late, doubt: s.live.doubt}
	return l.since(now)
}

// Live is what is known to be revoked.
type Live struct{ l *revocations }

// NewLive knows of nothing yet.
func NewLive() Live { return Live{newRevocations(func(store.Revocation) {})} }

// Add is a revocation of this server's own.
func (l Live) Add(r store.Revocation) { l.l.add(r) }
