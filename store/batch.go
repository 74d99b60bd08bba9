package store

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// queue is where rotations wait for a commit. Most of what a refresh costs a database is making sure
// that the commit is on the disk, so all that come at the same time, or while others are at work,
// share a commit.
type queue struct {
	most  int       // how many may be at work at the same time
	group func(*DB) // takes a group from the queue, rotates it and finishes each

	mu      sync.Mutex
	waiting []*turn
	working int // leaders, and callers who are alone, each of whom sees to those who wait
	taken   int // how many groups were taken
	seen    int // what taken was when watch last looked
	watch   *time.Timer
	watched bool // watch runs, as it does while somebody waits

	sizes sizes // of groups, those of one included
}

// turn is one rotation in the queue.
type turn struct {
	ctx context.Context // of the caller, who leaves the queue by ending it
	in  Rotation

	// What became of it: to be read when done is closed.
	grant Grant
	err   error // also ErrNotFound, when no row was to be rotated
	done  chan struct{}

	early chan Grant // what grant will be if the commit goes well; nil: nobody has anything to do meanwhile
}

// maxGroup bounds how long a group keeps other writers from the connection. So many statements take
// a millisecond or two, as a commit does: larger groups would hardly be cheaper for each.
const maxGroup = 64

// patience is how long those who wait see nobody taken, once or twice over, before one more leads
// where more may. A commit takes less, unless the database is far away, and then it is no matter.
const patience = time.Millisecond

// rotateInGroup rotates in a commit shared with those who come at the same time. The end of one's
// context concerns nobody else.
func (db *DB) rotateInGroup(ctx context.Context, in Rotation) (Grant, error) {
	t := db.join(ctx, in)
	if t == nil {
		return db.rotateAlone(ctx, in)
	}
	_, done := db.dialect.span(ctx, "wait for a group commit")
	came := t.wait()
	done(nil)
	if !came {
		return Grant{}, ctx.Err()
	}
	if t.err == errOwnWay {
		return db.rotateOne(ctx, in)
	}
	return t.grant, db.dialect.fault(ctx, t.err)
}

// wait returns when it is known what became of t, or false when its caller's context ends before.
func (t *turn) wait() bool {
	for early := t.early; ; early = nil {
		select {
		case g := <-early:
			t.in.Meanwhile(g)
		case <-t.done:
			return true
		case <-t.ctx.Done():
			return false
		}
	}
}

// rotateAlone serves the caller who found nobody at work, as if there were no queue. Those who came
// meanwhile get a leader, whatever became of this one.
func (db *DB) rotateAlone(ctx context.Context, in Rotation) (Grant, error) {
	defer func() {
		if db.rotations.more() {
			go db.lead()
		}
	}()
	db.rotations.sizes.note(1)
	return db.rotateOne(ctx, in)
}

// join adds a turn to the queue. It returns nil if nobody is at work and nobody else comes: then the
// caller is.
func (db *DB) join(ctx context.Context, in Rotation) *turn {
	q := db.rotations
	t := &turn{ctx: ctx, in: in, done: make(chan struct{})}
	if in.Meanwhile != nil {
		t.early = make(chan Grant, 1)
	}
	if !q.first(t, db.help) {
		return t
	}
	// Those who are ready to run, and may be about to come, go first. A commit can keep the only
	// processor for as long as it takes, and whoever has not come by then is not in it. Where
	// nobody else is ready this is no wait.
	runtime.Gosched()
	if !q.joined(t) {
		return nil
	}
	go db.lead()
	return t
}

// first tells whether nobody is at work. Then the caller is, and otherwise t waits, and help is called
// from time to time.
func (q *queue) first(t *turn, help func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.working == 0 {
		q.working = 1
		return true
	}
	q.waiting = append(q.waiting, t)
	if q.most > 1 && !q.watched {
		q.watched, q.seen = true, q.taken
		q.watch = time.AfterFunc(patience, help)
	}
	return false
}

// joined adds t to those who wait, unless there are none.
func (q *queue) joined(t *turn) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return false
	}
	q.waiting = slices.Insert(q.waiting, 0, t)
	return true
}

// help leads if those who wait need one more who does.
func (db *DB) help() {
	if db.rotations.slow() {
		db.lead()
	}
}

// slow tells whether nobody was taken since it was last asked, although some wait and more may be at
// work. Then the caller is. It is asked again as long as somebody waits.
func (q *queue) slow() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.watched = false
		return false
	}
	q.watch.Reset(patience)
	before := q.seen
	q.seen = q.taken
	if before != q.taken || q.working == q.most {
		return false
	}
	q.working++
	return true
}

// lead rotates group after group until nobody waits. It runs in a goroutine of its own: a caller who
// led would have to go on for the others when its own answer is there, or its context has ended.
func (db *DB) lead() {
	for db.rotations.more() {
		runtime.Gosched() // as in join
		db.rotations.group(db)
	}
}

// more tells whether anybody waits. If not, the caller is no longer at work.
func (q *queue) more() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.working--
		return false
	}
	return true
}

// take removes the next group from the queue, without those who left.
func (q *queue) take() (turns []*turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken++
	n := min(len(q.waiting), maxGroup)
	for _, t := range q.waiting[:n] {
		if t.ctx.Err() == nil {
			turns = append(turns, t)
		}
	}
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.sizes.note(len(turns))
	return turns
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

// catch makes an error of a panic. In the caller's goroutine net/http would catch it. In a leader's
// it would be the end of the process.
func catch(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("rotate: panic: %v\n%s", p, debug.Stack())
	}
}
