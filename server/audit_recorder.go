package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/grantd/grantd/store"
)

const (
	maxUnwritten = 20_000                 // events in memory; who comes then has to wait
	maxTogether  = 500                    // events in a commit: on SQLite nobody else writes meanwhile
	routineDelay = 200 * time.Millisecond // what nobody waits for is written so often at most
	roomTime     = 5 * time.Second        // how long one waits for room
	writeTime    = 10 * time.Second       // for one commit
	longestRetry = 2 * time.Second
)

// recorder writes events to the database, in the background and many at a time. Nobody starts it: a goroutine runs while there is
// something to write.
type recorder struct {
	// write appends to the log of the database. Nil: there is none, events are only logged.
	write func(context.Context, []store.Event) ([]store.Head, error)
	// routine is whether everyday use is written, too.
	routine bool
	log     *slog.Logger
	now     func() time.Time

	mu      sync.Mutex
	waiting []store.Event
	written chan struct{} // is closed when all that waits now is written; nil: nobody asked
	urgent  bool          // somebody waits for it
	working bool          // a goroutine writes, or timer will start one
	timer   *time.Timer   // nil: none is set
	ended   bool          // nothing is written any more
	room    chan struct{} // is closed when there is room; nil: nobody waits for it
	idle    chan struct{} // is closed when all is written; nil: nobody waits for it
	spare   []store.Event // the memory of a batch that is written
	pending int           // events of the batch that is being written

	heads map[string]store.Head // as this server has last seen them; only for the goroutine that writes

	refusals refusals
	trouble  outage
}

func newRecorder(log *slog.Logger) *recorder {
	return &recorder{log: log, now: time.Now, heads: map[string]store.Head{}, refusals: newRefusals()}
}

// add puts an event into the queue. What it returns is closed when the event is on the disk; it is nil for what nobody should wait for. When the queue is full
// it waits, as long as ctx and roomTime let it: nothing is lost as long as the database comes back.
func (r *recorder) add(ctx context.Context, e store.Event) <-chan struct{} {
	if r.write == nil || !r.routine && e.Routine() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.waitForRoom(ctx) {
		if !r.ended && e.Type != summaryType {
			r.leaveOut(refusalKind{event: e.Type, outcome: e.Outcome}, e.Address, 1)
		}
		return nil
	}
	r.waiting = append(r.waiting, e)
	wait := !e.Routine() && !refused(e)
	if wait && r.written == nil {
		r.written = make(chan struct{})
	}
	r.start()
	if !wait {
		return nil
	}
	return r.written
}

// hurry has what waits written now: somebody waits for it.
func (r *recorder) hurry() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) > 0 {
		r.urgent = true
		r.start()
	}
}

func refused(e store.Event) bool { return e.Type == "request.refused" || e.Type == "login.refused" }

// waitForRoom returns false if there is none. The caller holds mu.
func (r *recorder) waitForRoom(ctx context.Context) bool {
	var late <-chan time.Time
	for len(r.waiting) >= maxUnwritten && !r.ended {
		if late == nil {
			late = time.After(roomTime)
		}
		if r.room == nil {
			r.room = make(chan struct{})
		}
		room := r.room
		r.mu.Unlock()
		timeout := false
		select {
		case <-room:
		case <-late:
			timeout = true
		case <-ctx.Done():
			timeout = true
		}
		r.mu.Lock()
		if timeout {
			return false
		}
	}
	return !r.ended
}

// start sees to it that what waits is written. The caller holds mu.
func (r *recorder) start() {
	switch {
	case !r.working && r.urgent:
		r.working = true
		go r.run()
	case !r.working:
		r.working, r.timer = true, time.AfterFunc(routineDelay, r.run)
	case r.urgent && r.timer != nil && r.timer.Stop():
		r.timer = nil
		go r.run()
	}
}

// run writes until nothing waits, or nothing that has no time.
func (r *recorder) run() {
	for first := true; ; first = false {
		batch, written := r.take(first)
		if batch == nil {
			return
		}
		r.writeAll(batch)
		r.done(batch)
		if written != nil {
			close(written)
		}
	}
}

// take removes all that waits from the queue.
func (r *recorder) take(first bool) (batch []store.Event, written chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timer = nil
	switch {
	case len(r.waiting) == 0:
		r.working = false
		if r.idle != nil {
			close(r.idle)
			r.idle = nil
		}
		return nil, nil
	case !first && !r.urgent && r.idle == nil:
		r.timer = time.AfterFunc(routineDelay, r.run)
		return nil, nil
	}
	batch, written = r.waiting, r.written
	r.waiting, r.written, r.urgent, r.spare, r.pending = r.spare[:0], nil, false, nil, len(batch)
	if r.room != nil {
		close(r.room)
		r.room = nil
	}
	return batch, written
}

// done gives the memory of a batch back.
func (r *recorder) done(batch []store.Event) {
	clear(batch) // lets go of the texts
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spare, r.pending = batch[:0], 0
}

// writeAll writes a batch, and tries again as long as the database is away.
func (r *recorder) writeAll(batch []store.Event) {
	for pause := 100 * time.Millisecond; len(batch) > 0; {
		part := batch[:min(len(batch), maxTogether)]
		err := r.writeOnce(part)
		r.trouble.log(context.Background(), r.log, "writing the audit log", err)
		if err == nil {
			batch, pause = batch[len(part):], 100*time.Millisecond
			r.left(len(batch))
			continue
		}
		if errors.Is(err, store.ErrClosed) {
			r.end(err)
		}
		if r.over() {
			return
		}
		time.Sleep(pause)
		pause = min(2*pause, longestRetry)
	}
}

func (r *recorder) writeOnce(part []store.Event) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTime)
	defer cancel()
	heads, err := r.write(ctx, part)
	if err != nil {
		return err
	}
	for _, head := range heads {
		// A chain that was cut, or a standby that lacks the end of it.
		if last := r.heads[head.Chain]; head.Seq <= last.Seq {
			r.log.Error("the audit log of the database ends before an event that this server has seen in it: its end was cut off, or the database is an older copy",
				"event", "audit.went_back", "seen", last.String(), "now", head.String())
		}
		r.heads[head.Chain] = head
	}
	return nil
}

// over tells that nothing is written any more.
func (r *recorder) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended
}

// left notes how many events of the batch are not written yet.
func (r *recorder) left(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = n
}

// end gives up what waits, and says so at once: the process may be gone before its writer is back from the database.
func (r *recorder) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.waiting) + r.pending; n > 0 && !r.ended {
		r.log.Error("events are missing in the audit log of the database; this log has them", "events", n, "error", err)
	}
	r.ended = true
}

// flush waits until all is written that was added before, or until ctx ends; then what waits is given up, and so is what comes later.
func (r *recorder) flush(ctx context.Context) {
	if r.write == nil {
		return
	}
	r.summarize()
	for r.idling() != nil {
		select {
		case <-r.idling():
		case <-ctx.Done():
			r.end(ctx.Err())
			return
		}
	}
}

// idling is closed when all is written; nil says that it is.
func (r *recorder) idling() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.working || r.ended {
		return nil
	}
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	r.urgent = true
	r.start()
	return r.idle
}

// depth is how many events wait to be written, and whether the last attempt failed.
func (r *recorder) depth() (waiting int, failing bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trouble.mu.Lock()
	defer r.trouble.mu.Unlock()
	return len(r.waiting) + r.pending, !r.trouble.began.IsZero()
}
