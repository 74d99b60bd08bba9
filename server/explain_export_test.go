package server

import "context"

// WriteEvents waits until the events of what was answered are in the database.
func (s *Server) WriteEvents(ctx context.Context) { s.events.flush(ctx) }
