package server

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/grantd/grantd/store"
)

const (
	clockPoll = 10 * time.Second

	// clockTolerance is how far two clocks may be apart before it matters: less
	// than any grace, and more than it takes to ask.
	clockTolerance = time.Second

	// mostAhead is how far the database's clock is followed. Beyond that it is not the
	// machine's that is wrong, and sweeping by it would delete what is needed.
	mostAhead = time.Hour
)

// clock is the machine's own, put right by the database's: the one clock that all
// replicas share. A replica that is minutes off would take a repeated refresh
// for a theft, and its tokens would come from the future.
type clock struct {
	local func() time.Time
	ahead atomic.Int64 // of the database's clock, in nanoseconds; 0 within clockTolerance
}

// now is the time that goes into tokens and rows.
func (c *clock) now() time.Time { return c.local().Add(time.Duration(c.ahead.Load())) }

// follow asks for the time of the database. It returns how far that is ahead, and
// whether this is news.
func (c *clock) follow(ctx context.Context, db *store.DB) (ahead time.Duration, news bool, err error) {
	asked := c.local()
	theirs, err := db.Clock(ctx)
	if err != nil || theirs.IsZero() {
		return 0, false, err
	}
	took := c.local().Sub(asked) // who knows when in between the answer was true
	ahead, was := theirs.Sub(asked.Add(took/2)), time.Duration(c.ahead.Load())
	if (ahead - was).Abs() <= clockTolerance+took/2 {
		return was, false, nil
	}
	if ahead.Abs() > mostAhead {
		return was, false, fmt.Errorf("the clock of the database is %s ahead of this machine's, too much to go by it; set both by NTP", ahead.Round(time.Second))
	}
	if ahead.Abs() <= clockTolerance {
		ahead = 0
	}
	c.ahead.Store(int64(ahead))
	return ahead, true, nil
}

// followClock keeps s.Now right.
func (s *Server) followClock(ctx context.Context) error {
	ahead, news, err := s.clock.follow(ctx, s.DB)
	if news {
		s.live.suspect(s.Now())
	}
	switch {
	case news && ahead != 0:
		s.Log.WarnContext(ctx, "this machine's clock differs from the database's, which counts; set them by NTP", "database_ahead", ahead.Round(time.Millisecond).String())
	case news:
		s.Log.InfoContext(ctx, "this machine's clock agrees with the database's again")
	}
	return err
}
