package server

import (
	"context"
	"sync"
	"time"

	"github.com/grantd/grantd/store"
)

// clientKeep is how long a client is believed to be as it was read. What was
// taken from it meanwhile, its secret or its existence, the revocations tell.
const clientKeep = time.Minute

// clients remembers those that asked for tokens lately, so that a refresh is one
// round trip to the database. It holds no more than exist.
type clients struct {
	mu      sync.RWMutex
	byID    map[string]readClient
	tidied  time.Time
	dropped uint64 // counts drops: what was read before one may be out of date
}

type readClient struct {
	store.Client
	at time.Time
}

func newClients() *clients { return &clients{byID: map[string]readClient{}} }

// client finds a client, kept in memory if what refuses access is known.
func (s *Server) client(ctx context.Context, id string) (c store.Client, kept bool, err error) {
	now := s.Now()
	fresh := s.live.fresh(now) // first: see there
	if c, ok := s.clients.get(id, now); ok && fresh {
		return c, true, nil
	}
	c, err = s.readClient(ctx, id)
	return c, false, err
}

// readClient finds a client in the database.
func (s *Server) readClient(ctx context.Context, id string) (store.Client, error) {
	now, dropped := s.Now(), s.clients.drops()
	c, err := s.DB.Client(ctx, id)
	if err == nil {
		s.clients.put(c, now, dropped)
	}
	return c, err
}

func (l *clients) get(id string, now time.Time) (store.Client, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	kept, ok := l.byID[id]
	return kept.Client, ok && within(now.Sub(kept.at), clientKeep)
}

func (l *clients) drops() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.dropped
}

// put keeps a client that was read after so many drops.
func (l *clients) put(c store.Client, at time.Time, dropped uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if dropped == l.dropped {
		l.byID[c.ID] = readClient{c, at}
	}
}

// drop forgets a client that was changed or deleted.
func (l *clients) drop(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropped++
	delete(l.byID, id)
}

// tidy forgets, now and then, those who have not asked for long.
func (l *clients) tidy(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if within(now.Sub(l.tidied), clientKeep) {
		return
	}
	l.tidied = now
	for id, c := range l.byID {
		if !within(now.Sub(c.at), clientKeep) {
			delete(l.byID, id)
		}
	}
}

// within is whether an age is one up to most: a negative one means that the clock was
// set back, and nothing is known.
func within(age, most time.Duration) bool { return age >= 0 && age <= most }
