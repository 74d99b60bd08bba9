package store

import (
	"context"
	"math/rand/v2"
	"time"
)

// attempts is how often a statement or transaction is tried in all.
const attempts = 8

// longestPause is what is waited at most between two of them.
const longestPause = 200 * time.Millisecond

// attempt does what do does, and does it again where that is safe: when the database took it back,
// and when the connection broke and twice says that doing it twice is no worse than once.
func (d *dialect) attempt(ctx context.Context, twice func() bool, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if err == nil {
			return nil
		}
		again := d.undone != nil && d.undone(err) || d.lost != nil && d.lost(err) && twice()
		if !again || n == attempts || !pause(ctx, n) {
			return d.fault(ctx, err)
		}
		d.again.Add(1)
	}
}

// pause waits a little, and each of those who were in each other's way for another time. It
// returns false when ctx ends.
func pause(ctx context.Context, attempt int) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(rand.N(min(5*time.Millisecond<<attempt, longestPause))):
		return ctx.Err() == nil
	}
}
