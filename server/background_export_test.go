package server

import (
	"context"
	"time"
)

// Sweep does once what Run does every minute.
func (s *Server) Sweep(ctx context.Context) error { return s.sweep(ctx) }

// Leeway is the clock skew that validation forgives.
const Leeway time.Duration = leeway

// Poll does once what Run does twice a second.
func (s *Server) Poll(ctx context.Context) error { return s.poll(ctx) }
