package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
)

// callers call RotateGrant at the same time.
type callers struct {
	path   string // of the database
	db     *store.DB
	writer *sql.Conn // for which they wait
	all    []caller
}

type caller struct {
	in   store.Rotation
	end  context.CancelFunc
	res  store.RotateResult
	err  error
	done chan struct{}
}

// queued returns n callers, with an authorization each, who wait for the connection that writes.
// The first is alone, the others are in the queue, in their order.
func queued(t *testing.T, n int) *callers {
	t.Helper()
	c := about(t, n)
	for i := range c.all {
		c.call(t, i)
	}
	return c
}

// about returns n callers who are about to call.
func about(t *testing.T, n int) *callers {
	t.Helper()
	path := filepath.Join(t.TempDir(), "grantd.db")
	c := &callers{path: path, db: migrated(t, path)}
	storetest.Populate(t, c.db, "g")
	g, err := c.db.Grant(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range rotations(t, c.db, g, n) {
		c.all = append(c.all, caller{in: in})
	}
	c.block(t)
	return c
}

func (c *callers) block(t *testing.T) {
	t.Helper()
	var err error
	if c.writer, err = c.db.Writer(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.writer.Close() })
}

// call returns when caller i waits.
func (c *callers) call(t *testing.T, i int) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	p := &c.all[i]
	p.end, p.done = end, make(chan struct{})
	before, ahead := c.db.Queue()
	waits := c.db.Waits()
	go func() {
		defer close(p.done)
		defer func() {
			if bug := recover(); bug != nil {
				p.err = fmt.Errorf("panic: %v", bug)
			}
		}()
		p.res, p.err = c.db.RotateGrant(ctx, p.in)
	}()
	eventually(t, func() bool {
		busy, waiting := c.db.Queue()
		return busy && (!before && waiting == 0 && c.db.Waits() > waits || before && waiting == ahead+1)
	})
}

func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(10 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatal("this never comes")
		}
	}
}

// goOn gives the connection back and waits until everybody has an answer.
func (c *callers) goOn(t *testing.T) {
	t.Helper()
	if err := c.writer.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range c.all {
		c.answered(t, i)
	}
	eventually(t, func() bool {
		busy, waiting := c.db.Queue()
		return !busy && waiting == 0
	})
}

func (c *callers) answered(t *testing.T, i int) {
	t.Helper()
	select {
	case <-c.all[i].done:
	case <-time.After(10 * time.Second):
		t.Fatalf("caller %d has no answer", i)
	}
}

// wantRotated wants that caller i was told of a rotation which is in the database.
func (c *callers) wantRotated(t *testing.T, i int) {
	t.Helper()
	p := c.all[i]
	g, err := c.db.Grant(t.Context(), p.in.ID)
	if p.err != nil || p.res.Outcome != store.Rotated || err != nil || fmt.Sprint(p.res.Grant) != fmt.Sprint(g) {
		t.Errorf("caller %d: %v, %v; found %v, %v", i, p.res, p.err, g, err)
	}
	if g.Generation != p.in.Generation+1 {
		t.Errorf("caller %d: generation %d", i, g.Generation)
	}
}

// wantNothing wants that caller i was told of no rotation and that there is none.
func (c *callers) wantNothing(t *testing.T, i int) {
	t.Helper()
	p := c.all[i]
	if g, err := c.db.Grant(t.Context(), p.in.ID); err != nil || g.Generation != p.in.Generation || p.err == nil {
		t.Errorf("caller %d: %v, %v; found generation %d, %v", i, p.res.Outcome, p.err, g.Generation, err)
	}
}

// duringNext runs f in the midst of commits until the test ends. They fail if it returns false.
func duringNext(t *testing.T, f func() bool) {
	duringCommit.Store(&f)
	t.Cleanup(func() { duringCommit.Store(nil) })
}

func TestRotationsThatWaitShareCommits(t *testing.T) {
	c := queued(t, 100)
	before := commits.Load()
	c.goOn(t)
	for i := range c.all {
		c.wantRotated(t, i)
	}
	if n := commits.Load() - before; n != 3 { // 1 + 64 + 35
		t.Errorf("%d commits", n)
	}
}

func TestOneTokenTwiceInAGroup(t *testing.T) {
	c := about(t, 21)
	for i := range c.all {
		c.all[i].in.ID = c.all[(i+9)/10*10].in.ID // one is alone, then two tokens ten times each
		c.call(t, i)
	}
	before := commits.Load()
	c.goOn(t)
	if n := commits.Load() - before; n != 2 {
		t.Errorf("%d commits", n)
	}
	for i, p := range c.all {
		want := store.Repeated
		if i%10 == 1 || i == 0 {
			want = store.Rotated
		}
		if p.err != nil || p.res.Outcome != want {
			t.Errorf("caller %d: %v, %v; want %v", i, p.res.Outcome, p.err, want)
		}
	}
}

func TestCallerLeavesBeforeItsTurn(t *testing.T) {
	for _, leaver := range []int{0, 1, 2, 4} {
		c := queued(t, 5)
		c.all[leaver].end()
		c.answered(t, leaver) // while the others still wait
		if err := c.all[leaver].err; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		c.goOn(t)
		for i := range c.all {
			if i == leaver {
				c.wantNothing(t, i)
			} else {
				c.wantRotated(t, i)
			}
		}
	}
}

func TestAllCallersLeave(t *testing.T) {
	c := queued(t, 5)
	for i := range c.all {
		c.all[i].end()
		c.answered(t, i)
	}
	c.goOn(t)
	for i := range c.all {
		c.wantNothing(t, i)
	}
	c.block(t)
	c.call(t, 0)
	c.goOn(t)
	c.wantRotated(t, 0)
}

func TestCallerLeavesDuringTheCommit(t *testing.T) {
	c := queued(t, 5)
	committing, goOn := make(chan struct{}), make(chan struct{})
	n := 0
	duringNext(t, func() bool {
		if n++; n == 2 { // the first was alone
			close(committing)
			<-goOn
		}
		return true
	})
	c.writer.Close()
	<-committing
	c.all[1].end()
	c.answered(t, 1)
	if err := c.all[1].err; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for i := 2; i < 5; i++ {
		select {
		case <-c.all[i].done:
			t.Errorf("caller %d was answered before the commit", i)
		default:
		}
	}
	close(goOn)
	for _, i := range []int{0, 2, 3, 4} {
		c.answered(t, i)
		c.wantRotated(t, i)
	}
}

// storm rotates all again and again, in a goroutine each, until the test calls end.
func storm(t testing.TB, db *store.DB, all []store.Rotation) (end func()) {
	var wg sync.WaitGroup
	var ended atomic.Bool
	for _, in := range all {
		wg.Go(func() {
			for ; !ended.Load(); in.Generation++ {
				if res, err := db.RotateGrant(t.Context(), in); err != nil || res.Outcome != store.Rotated {
					t.Error(res.Outcome, err)
					return
				}
			}
		})
	}
	return func() { ended.Store(true); wg.Wait() }
}

// Those who write otherwise wait for a group or two, not until the queue is empty.
func TestOthersWriteWhileManyRotate(t *testing.T) {
	c := about(t, 0)
	c.writer.Close()
	g, _ := c.db.Grant(t.Context(), "g")
	end := storm(t, c.db, rotations(t, c.db, g, 64))
	defer end()
	before := commits.Load()
	const writes = 50
	for i := range writes {
		if err := c.db.RevokeToken(t.Context(), fmt.Sprint(i), g.RotatedAt, g.ExpiresAt); err != nil {
			t.Fatal(err)
		}
	}
	if n := commits.Load() - before; n > 10*writes { // 3 for each, and patience for a busy machine
		t.Errorf("%d commits for %d revocations", n, writes)
	}
}

func TestRotateWhileOthersWrite(t *testing.T) {
	c := about(t, 0)
	c.writer.Close()
	g, _ := c.db.Grant(t.Context(), "g")
	var wg sync.WaitGroup
	var ended atomic.Bool
	for i := range 16 {
		wg.Go(func() {
			for !ended.Load() {
				if err := c.db.RevokeToken(t.Context(), fmt.Sprint(i), g.RotatedAt, g.ExpiresAt); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	before := commits.Load()
	const rounds = 20
	in := rotationOf(g)
	for range rounds {
		if res, err := c.db.RotateGrant(t.Context(), in); err != nil || res.Outcome != store.Rotated {
			t.Error(res.Outcome, err)
		}
		in.Generation++
	}
	ended.Store(true)
	wg.Wait()
	if n := commits.Load() - before; n > 10*17*rounds { // each waits for as many as are ahead of it, by lot
		t.Errorf("%d commits for %d rotations", n, rounds)
	}
}
