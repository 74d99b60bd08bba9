package server

// RevocationsKept is how many revocations are in memory.
func (s *Server) RevocationsKept() int {
	s.live.mu.RLock()
	defer s.live.mu.RUnlock()
	return len(s.live.entries)
}
