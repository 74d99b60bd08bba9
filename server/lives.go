package server

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/grantd/grantd/store"
)

const (
	lifePoll  = time.Minute
	lifeAhead = time.Hour    // for how long a server may issue tokens on what it noted
	livesKept = 5 * lifePoll // how old what is known of other servers may be
)

// lives is how long the longest-lived access token lives that may still be out. It
// need not be as the settings say: those may have been changed, and replicas may differ.
type lives struct {
	mu      sync.Mutex
	longest time.Duration
	asOf    time.Time
}

// noteLife tells the database how long our tokens live, before we issue any, and
// asks it what others have told.
func (s *Server) noteLife(ctx context.Context) error {
	now := s.Now()
	known, err := s.DB.AccessLives(ctx)
	if err != nil {
		return err
	}
	unknown := unnoted(known, s.AccessTTL, now)
	for _, ttl := range unknown {
		if err := s.DB.NoteAccessLife(ctx, store.AccessLife{TTL: ttl, UsedUntil: now.Add(lifeAhead)}, now.Add(-mostAhead)); err != nil {
			return err
		}
	}
	if len(unknown) > 0 {
		if known, err = s.DB.AccessLives(ctx); err != nil {
			return err
		}
	}
	s.lives.set(known, now)
	return nil
}

// unnoted is what has to be noted now by a server whose tokens live for ttl.
func unnoted(known []store.AccessLife, ttl time.Duration, now time.Time) []time.Duration {
	noted := func(l store.AccessLife) bool { return l.TTL == ttl && l.UsedUntil.After(now.Add(lifeAhead/2)) }
	inUse := func(l store.AccessLife) bool { return l.LastExpiry().After(now) }
	switch {
	case slices.ContainsFunc(known, noted):
		return nil
	case slices.ContainsFunc(known, inUse):
		return []time.Duration{ttl}
	}
	// A new database, one of a version that noted nothing, or one that nobody has
	// served for long: what is out may have any life.
	return []time.Duration{ttl, MaxAccessTTL}
}

func (l *lives) set(known []store.AccessLife, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.longest, l.asOf = 0, now
	for _, one := range known { // none of which has long expired: see NoteAccessLife
		l.longest = max(l.longest, one.TTL)
	}
}

// get gives the longest life, and when that was found out.
func (l *lives) get() (longest time.Duration, asOf time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.longest, l.asOf
}
