package server

import (
	"context"

	"github.com/grantd/grantd/store"
)

// FlushEvents writes the events that wait.
func (s *Server) FlushEvents(ctx context.Context) { s.events.flush(ctx) }

// AddEvent puts an event into the queue.
func (s *Server) AddEvent(ctx context.Context, e store.Event) { s.events.add(ctx, e) }

// WaitingEvents is how many have not been written, and whether that fails.
func (s *Server) WaitingEvents() (n int, failing bool) { return s.events.depth() }

// AuditKey is the key of the seals.
func (s *Server) AuditKey() []byte { return s.auditKey }

// MaxUnwritten is how many events wait at most.
const MaxUnwritten = maxUnwritten

// PruneEvents deletes what has been kept for long enough.
func (s *Server) PruneEvents(ctx context.Context) error { return s.pruneEvents(ctx) }
