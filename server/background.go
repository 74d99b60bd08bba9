package server

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"github.com/grantd/grantd/store"
)

const (
	revocationPoll = 500 * time.Millisecond // contract §4: refused within one second
	keyPoll        = 30 * time.Second       // contract: running servers follow within a minute
	placePoll      = 5 * time.Second        // until a place that a user came to is known to all servers
	sweepEvery     = time.Minute
	taskTime       = 5 * time.Second    // for a look at the database, or one batch of the sweep
	codeKeep       = time.Hour          // a second use of an authorization code is noticed for as long
	grantKeep      = 7 * 24 * time.Hour // a backup up to a week old signs nobody out; more than any access-token life
)

// Run keeps the server's view of revocations and keys fresh, sweeps expired rows
// and tells clients of logouts, until ctx ends and up to ten seconds longer. When it
// returns nothing of it uses the database any more.
func (s *Server) Run(ctx context.Context) {
	var running sync.WaitGroup
	s.started(ctx)
	defer s.stopped(ctx)
	defer running.Wait()
	for _, task := range []task{
		{"polling revocations", revocationPoll, taskTime, s.poll},
		{"asking the database for its time", clockPoll, taskTime, s.followClock},
		{"reloading signing keys", keyPoll, taskTime, s.followKeys},
		{"noting how long access tokens live", lifePoll, taskTime, s.noteLife},
		{"learning where people log in", placePoll, taskTime, s.recallSeen},
		{"sweeping expired rows", sweepEvery, 0, s.sweep},
		{"pruning the audit log", sweepEvery, 0, s.pruneEvents},
		{"noting the heads of the audit log", headEvery, taskTime, s.noteHeads},
	} {
		running.Go(func() { s.repeat(ctx, task) })
	}
	running.Go(func() {
		// Bounded as the others are: it would keep the turn, without which no keys are read.
		first := task{limit: taskTime, do: s.ensureIDKeys}
		s.warn(ctx, "make the keys of ID tokens", first.once(ctx))
	})
	running.Go(func() { s.sendNotices(ctx) })
}

// Sync brings keys, revocations and what goes with them up to date now.
func (s *Server) Sync(ctx context.Context) error {
	if err := s.loadKeys(ctx); err != nil {
		return err
	}
	if err := s.noteLife(ctx); err != nil {
		return err
	}
	return s.poll(ctx)
}

func (s *Server) poll(ctx context.Context) error {
	now := s.Now()
	s.clients.tidy(now)
	s.owners.tidy(now)
	return s.live.poll(ctx, s.DB, now)
}

// task is work in the background.
type task struct {
	name  string
	every time.Duration
	limit time.Duration // for one run. Zero: the task sets its own
	do    func(context.Context) error
}

// repeat does the task until ctx ends.
func (s *Server) repeat(ctx context.Context, t task) {
	ticker := time.NewTicker(t.every)
	defer ticker.Stop()
	s.metrics.tasks.expect(t.name, t.every)
	var trouble outage
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		start := time.Now()
		err := t.once(ctx)
		if ctx.Err() != nil {
			return
		}
		s.metrics.tasks.note(t.name, time.Since(start), err)
		trouble.log(ctx, s.Log, t.name, err)
	}
}

func (t task) once(ctx context.Context) error {
	if t.limit > 0 { // a network that swallows packets never says that it failed
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.limit)
		defer cancel()
	}
	return t.do(ctx)
}

// outage is a fault that lasts. It is logged when it begins, once a minute, and
// when it ends.
type outage struct {
	mu          sync.Mutex
	began, told time.Time
}

func (o *outage) log(ctx context.Context, log *slog.Logger, doing string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil && o.began.IsZero():
	case err == nil:
		log.InfoContext(ctx, doing+" works again", "failed_for", now.Sub(o.began).Round(time.Millisecond).String())
		o.began, o.told = time.Time{}, time.Time{}
	case o.began.IsZero():
		o.began = now
		fallthrough
	case now.Sub(o.told) >= time.Minute:
		o.told = now
		log.WarnContext(ctx, doing+" fails", "error", err)
	}
}

func (s *Server) warn(ctx context.Context, doing string, err error) {
	if err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, doing, "error", err)
	}
}

// sweep walks once over all authorizations in small batches, and begins anywhere: of several
// servers each takes another part, and one that is often restarted comes by everywhere, too.
func (s *Server) sweep(ctx context.Context) error {
	// Without an Alg: keys of algorithms that access tokens do not have sign ID tokens, and only a
	// successor takes their place.
	in := store.Sweep{
		Now: s.Now(), KeyLife: s.hintLife(), GrantKeep: grantKeep, RevocationKeep: mostAhead, CodeKeep: codeKeep, PlaceKeep: placeKeep,
		From: rand.Text(), // authorizations are named by rand.Text
	}
	for {
		start := time.Now()
		swept, err := s.sweepBatch(ctx, in)
		s.metrics.swept.Add(float64(swept.Deleted))
		if err != nil || swept.Cursor == "" {
			return err
		}
		var pause time.Duration
		in, pause = in.Next(swept, time.Since(start))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

func (s *Server) sweepBatch(ctx context.Context, in store.Sweep) (store.Swept, error) {
	ctx, cancel := context.WithTimeout(ctx, taskTime)
	defer cancel()
	return s.DB.Sweep(ctx, in)
}
