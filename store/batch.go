package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
)

// queue is where rotations wait for a commit. Most of what a refresh costs a database with one
// writer is making sure that the commit is on the disk, so all that come at the same time, or while
// the writer is busy, share a commit.
type queue struct {
	mu      sync.Mutex
	waiting []*turn
	busy    bool // somebody is at work, who sees to those who wait
}

// turn is one rotation in the queue.
type turn struct {
	ctx context.Context // of the caller, who leaves the queue by ending it
	in  Rotation

	// What became of it: to be read when done is closed.
	grant Grant
	err   error // also ErrNotFound, when no row was to be rotated
	done  chan struct{}
}

// maxGroup bounds how long a group keeps other writers from the connection. So many statements take
// a millisecond or two, as a commit does: larger groups would hardly be cheaper for each.
const maxGroup = 64

// rotateInGroup is [one] with rotateGrant, in a commit shared with those who wait at the same time.
// The end of one's context concerns nobody else.
func (db *DB) rotateInGroup(ctx context.Context, in Rotation) (Grant, error) {
	t, idle := db.rotations.join(ctx, in)
	if idle {
		go db.lead()
	}
	select {
	case <-t.done:
		return t.grant, t.err
	case <-ctx.Done():
		return Grant{}, ctx.Err()
	}
}

// join adds a turn to the queue, and tells whether nobody is at work: then the caller starts a leader.
func (q *queue) join(ctx context.Context, in Rotation) (t *turn, idle bool) {
	t = &turn{ctx: ctx, in: in, done: make(chan struct{})}
	q.mu.Lock()
	defer q.mu.Unlock()
	idle = !q.busy
	q.busy = true
	q.waiting = append(q.waiting, t)
	return t, idle
}

// lead commits group after group until nobody waits. It runs in a goroutine of its own: a caller who
// led would have to go on for the others when its own answer is there, or its context has ended.
func (db *DB) lead() {
	for db.rotations.more() {
		// Those who are ready to run, and may be about to come, go first. A commit can keep the only
		// processor for as long as it takes, and whoever has not come by then is not in it. Where
		// nobody else is ready this is no wait.
		runtime.Gosched()
		turns, err := db.rotateGroup(db.rotations.take)
		switch {
		case err == nil || len(turns) == 1:
			finish(err, turns...)
		case len(turns) == 0: // it did not come to that
			finish(err, db.rotations.take()...)
		default:
			db.rotateEach(turns)
		}
	}
}

// rotateEach gives each of a group that failed a commit of its own. The fault may concern one of
// them alone: a damaged page, a row that nobody can read, a disk with room for some.
func (db *DB) rotateEach(turns []*turn) {
	for _, t := range turns {
		if t.ctx.Err() == nil {
			_, err := db.rotateGroup(func() []*turn { return []*turn{t} })
			finish(err, t)
		}
	}
}

// rotateGroup rotates in one transaction those whom take returns. It asks when the connection is
// its own and not before: many come while it waits. If it fails, nobody was rotated.
func (db *DB) rotateGroup(take func() []*turn) (turns []*turn, err error) {
	// In the caller's goroutine net/http would catch it. Here it would be the end of the process.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("rotate: panic: %v\n%s", p, debug.Stack())
		}
	}()
	ctx := context.Background() // theirs are looked at by take
	s, err := db.write.stmt(ctx, rotateGrant)
	if err != nil {
		return nil, db.dialect.fault(ctx, err)
	}
	err = db.update(ctx, func(tx *sql.Tx) error {
		turns = take()
		return rotateAll(ctx, tx.StmtContext(ctx, s), turns)
	})
	return turns, err
}

func rotateAll(ctx context.Context, s *sql.Stmt, turns []*turn) error {
	for _, t := range turns {
		t.grant, t.err = t.in.scan(s.QueryRowContext(ctx, t.in.args()...))
		if errors.Is(t.err, sql.ErrNoRows) {
			t.err = ErrNotFound // a refusal, which is no reason to refuse the others
		} else if t.err != nil {
			return t.err
		}
	}
	return nil
}

// finish answers those whose group has been committed, or has met err.
func finish(err error, turns ...*turn) {
	for _, t := range turns {
		if err != nil {
			t.grant, t.err = Grant{}, err
		}
		close(t.done)
	}
}

// more tells whether anybody waits. If not, nobody is at work from now on.
func (q *queue) more() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = len(q.waiting) > 0
	return q.busy
}

// take removes the next group from the queue, without those who left.
func (q *queue) take() (turns []*turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxGroup)
	for _, t := range q.waiting[:n] {
		if t.ctx.Err() == nil {
			turns = append(turns, t)
		}
	}
	q.waiting = slices.Delete(q.waiting, 0, n)
	return turns
}
