package server

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// rowKeep is how long a row is believed to be as it was read. What was taken from it
// meanwhile, such as a secret or its existence, the revocations tell.
const rowKeep = time.Minute

// rows remembers rows that requests asked for lately, so that most requests need none of
// the database. They are shared: nobody writes into one.
type rows[R any] struct {
	most int // that are kept. Zero means that there are no more than exist

	mu      sync.RWMutex
	byID    map[string]keptRow[R]
	tidied  time.Time
	dropped uint64 // counts drops: what was read before one may be out of date
	usage   cacheUsage
}

// cacheUsage counts looks, for metrics.
type cacheUsage struct{ hits, misses atomic.Uint64 }

// size is how many rows are kept.
func (l *rows[R]) size() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.byID)
}

type keptRow[R any] struct {
	row *R
	at  time.Time
}

func newRows[R any](most int) *rows[R] { return &rows[R]{most: most, byID: map[string]keptRow[R]{}} }

// get gives the row of that id, or nil.
func (l *rows[R]) get(id string, now time.Time) *R {
	l.mu.RLock()
	kept := l.byID[id]
	l.mu.RUnlock()
	if !within(now.Sub(kept.at), rowKeep) {
		return nil
	}
	return kept.row
}

func (l *rows[R]) drops() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.dropped
}

// put keeps a row that was read after so many drops.
func (l *rows[R]) put(id string, row *R, at time.Time, dropped uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if dropped != l.dropped {
		return
	}
	if _, known := l.byID[id]; !known && l.most > 0 && len(l.byID) >= l.most {
		for any := range l.byID { // left to chance: then nobody can push a chosen one out
			delete(l.byID, any)
			break
		}
	}
	// A copy: the id may be a piece of a request's body, with all that is secret in it.
	l.byID[strings.Clone(id)] = keptRow[R]{row, at}
}

// drop forgets what was changed or deleted.
func (l *rows[R]) drop(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropped++
	delete(l.byID, id)
}

// tidy forgets, now and then, what was not asked for lately.
func (l *rows[R]) tidy(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if within(now.Sub(l.tidied), rowKeep) {
		return
	}
	l.tidied = now
	for id, kept := range l.byID {
		if !within(now.Sub(kept.at), rowKeep) {
			delete(l.byID, id)
		}
	}
}

// within is whether an age is one up to most: a negative one means that the clock was
// set back, and nothing is known.
func within(age, most time.Duration) bool { return age >= 0 && age <= most }
