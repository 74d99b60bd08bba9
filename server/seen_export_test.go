package server

import "context"

// RecallSeen reads, as the task in the background does, where people have logged in.
func (s *Server) RecallSeen(ctx context.Context) error { return s.recallSeen(ctx) }

// NoteSeen notes that a user logged in from an address.
func (s *Server) NoteSeen(address, userID string) { s.guard.noteSeen(address, userID) }
