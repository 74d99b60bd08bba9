package server

import (
	"context"
	"sync"
	"time"

	"github.com/grantd/grantd/store"
)

const (
	revocationPoll = 500 * time.Millisecond // contract §4: refused within one second
	keyPoll        = 30 * time.Second       // contract: running servers follow within a minute
	sweepEvery     = time.Minute
	grantKeep      = 7 * 24 * time.Hour    // a backup up to a week old signs nobody out; more than any access-token life
	sweepPause     = 50 * time.Millisecond // between batches, so that others get their turn to write
)

// Run keeps the server's view of revocations and keys fresh and sweeps expired
// rows, until ctx ends. When it returns nothing of it uses the database any more.
func (s *Server) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { every(ctx, keyPoll, func() { s.warn(ctx, "reload signing keys", s.loadKeys(ctx)) }) })
	running.Go(func() { every(ctx, sweepEvery, func() { s.warn(ctx, "sweep expired rows", s.sweep(ctx)) }) })
	running.Go(func() {
		every(ctx, revocationPoll, func() { s.warn(ctx, "poll revocations", s.live.poll(ctx, s.DB, s.Now())) })
	})
}

// Sync brings keys and revocations up to date now.
func (s *Server) Sync(ctx context.Context) error {
	if err := s.loadKeys(ctx); err != nil {
		return err
	}
	return s.live.poll(ctx, s.DB, s.Now())
}

func every(ctx context.Context, d time.Duration, do func()) {
	ticker := time.NewTicker(d)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}

func (s *Server) warn(ctx context.Context, doing string, err error) {
	if err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, doing, "error", err)
	}
}

// sweep walks once over all authorizations in small batches.
func (s *Server) sweep(ctx context.Context) error {
	in := store.Sweep{Now: s.Now(), Alg: s.SigningAlg, KeyLife: s.AccessTTL + 2*leeway, GrantKeep: grantKeep}
	for {
		swept, err := s.DB.Sweep(ctx, in)
		if err != nil || swept.Cursor == "" {
			return err
		}
		in.Cursor = swept.Cursor
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(sweepPause):
		}
	}
}
