package server

import "context"

// FlushEvents writes the events that wait.
func (s *Server) FlushEvents(ctx context.Context) { s.events.flush(ctx) }
