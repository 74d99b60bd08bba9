package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// quickHashes is how long hashes are thought to take in tests that wait for none.
const quickHashes = time.Microsecond

func TestHashPool(t *testing.T) {
	pool := server.NewHashPool(2, quickHashes)
	var running, most, ran atomic.Int64
	var heard atomic.Int64
	pool.Observe(func(waited, took time.Duration) {
		if waited < 0 || took < time.Millisecond {
			t.Errorf("waited %v, took %v", waited, took)
		}
		heard.Add(1)
	})
	var wg sync.WaitGroup
	for range 2 * (server.QueuePerHash + 1) {
		wg.Go(func() {
			err := pool.Do(t.Context(), server.HashTurn{}, func() {
				now := running.Add(1)
				for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
				}
				time.Sleep(time.Millisecond)
				running.Add(-1)
				ran.Add(1)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() > 2 || ran.Load() != 2*(server.QueuePerHash+1) || heard.Load() != ran.Load() {
		t.Errorf("%d ran at once, %d in all, %d were heard of", most.Load(), ran.Load(), heard.Load())
	}
	if took := pool.HashTime(); took < time.Millisecond*9/10 {
		t.Errorf("hashes are thought to take %v", took)
	}
}

func TestHashesOfWhoLeft(t *testing.T) {
	pool := server.NewHashPool(2, quickHashes)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // a place is free: whether it is taken is not left to chance
		if err := pool.Do(gone, server.HashTurn{}, func() { t.Error("hashed for nobody") }); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	var refused *server.Error
	if err := pool.Do(late, server.HashTurn{}, func() { t.Error("hashed too late") }); !errors.As(err, &refused) || !strings.Contains(refused.Hint, "too many logins") {
		t.Errorf("whose turn came too late: %v", err)
	}
	func() { // a hash that panics gives its place back
		defer func() { recover() }()
		pool.Do(t.Context(), server.HashTurn{}, func() { panic("no") })
	}()
	if waiting, running := pool.Counts(); waiting != 0 || running != 0 {
		t.Errorf("%d wait, %d run", waiting, running)
	}
	if err := server.NewHashPool(0, quickHashes).Do(t.Context(), server.HashTurn{}, func() {}); err != nil {
		t.Errorf("a pool of no size: %v", err)
	}
}

// line is a pool with one place, which is taken until it is freed, and those who wait for it.
type line struct {
	*testing.T
	pool    server.HashPool
	free    chan struct{}
	waiting sync.WaitGroup

	mu    sync.Mutex
	order []string // who had a turn
	out   []string // who was turned away
}

func newLine(t *testing.T, mean time.Duration) *line {
	l := &line{T: t, pool: server.NewHashPool(1, mean), free: make(chan struct{})}
	l.waiting.Go(func() { l.pool.Do(t.Context(), server.HashTurn{Client: "first"}, func() { <-l.free }) })
	eventually(t, 10*time.Second, "the place is taken", func() bool { _, running := l.pool.Counts(); return running == 1 })
	return l
}

// join lets somebody wait, who is called by the client and address, and returns when they do, or were turned away.
func (l *line) join(ctx context.Context, who server.HashTurn) {
	l.Helper()
	name := strings.TrimSpace(who.Client + " " + who.Address)
	before, _ := l.pool.Counts()
	outBefore := len(l.gone())
	l.waiting.Go(func() {
		err := l.pool.Do(ctx, who, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.order = append(l.order, name)
		})
		var refused *server.Error
		if errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.out = append(l.out, name)
		} else if err != nil {
			l.Error(err)
		}
	})
	eventually(l.T, 10*time.Second, name+" waits", func() bool { now, _ := l.pool.Counts(); return now > before || len(l.gone()) > outBefore })
}

func (l *line) gone() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.out)
}

// turns frees the place, and returns who had a turn in which order.
func (l *line) turns() string {
	close(l.free)
	l.waiting.Wait()
	return strings.Join(l.order, ", ")
}

// Whoever sends many waits for their own: clients take turns, and a client's addresses do.
func TestHashesTakeTurns(t *testing.T) {
	l := newLine(t, quickHashes)
	for range 3 {
		l.join(t.Context(), server.HashTurn{Client: "a", Address: "1"})
	}
	l.join(t.Context(), server.HashTurn{Client: "a", Address: "2"})
	for range 2 {
		l.join(t.Context(), server.HashTurn{Client: "b", Address: "1"})
	}
	if got, want := l.turns(), "a 1, b 1, a 2, b 1, a 1, a 1"; got != want {
		t.Errorf("turns of %s, want %s", got, want)
	}
}

// Three of four turns are for known places, while strangers wait, too.
func TestKnownPlacesGoFirst(t *testing.T) {
	l := newLine(t, quickHashes)
	for range 5 {
		l.join(t.Context(), server.HashTurn{Client: "stranger"})
	}
	for range 5 {
		l.join(t.Context(), server.HashTurn{Known: true, Client: "known"})
	}
	want := "known, known, known, stranger, known, known, stranger, stranger, stranger, stranger"
	if got := l.turns(); got != want {
		t.Errorf("turns of %s, want %s", got, want)
	}
}

// In a full queue a newcomer takes the place of the last one of whoever has most, but never makes
// things worse for who has no more.
func TestFullQueue(t *testing.T) {
	l := newLine(t, quickHashes)
	for i := range server.QueuePerHash {
		l.join(t.Context(), server.HashTurn{Client: "crowd", Address: fmt.Sprint(i % 8)})
	}
	out := func(want ...string) {
		t.Helper()
		eventually(t, 10*time.Second, fmt.Sprint("turned away are ", want), func() bool { return slices.Equal(l.gone(), want) })
	}
	l.join(t.Context(), server.HashTurn{Client: "crowd", Address: "0"})
	out("crowd 0") // as the one who came
	// Each of these takes the place of another one, and not that of a newcomer before.
	newcomers := []server.HashTurn{{Client: "crowd", Address: "9"}, {Known: true, Client: "crowd", Address: "home"}, {Client: "alone", Address: "9"}}
	for i, who := range newcomers {
		l.join(t.Context(), who)
		if got := l.gone(); len(got) != i+2 || strings.Contains(strings.Join(got, " "), "9") || slices.Contains(got, "crowd home") {
			t.Errorf("%v came, turned away are %v", who, got)
		}
	}
	turns := l.turns()
	if !strings.HasPrefix(turns, "crowd home, ") || strings.Count(turns, "9") != 2 || strings.Count(turns, ",") != server.QueuePerHash-1 {
		t.Errorf("turns of %s", turns)
	}
}

// A pool of strangers that all have one displaces nobody: it would only change who is refused.
func TestFullQueueOfEquals(t *testing.T) {
	l := newLine(t, quickHashes)
	for i := range server.QueuePerHash {
		l.join(t.Context(), server.HashTurn{Client: fmt.Sprint("c", i)})
	}
	l.join(t.Context(), server.HashTurn{Client: "late"})
	if got := l.gone(); !slices.Equal(got, []string{"late"}) {
		t.Errorf("turned away are %v", got)
	}
	l.turns()
}

// Who could not be answered in time hears so at once, and when to come back.
func TestHashesThatWouldComeTooLate(t *testing.T) {
	l := newLine(t, 3*time.Second)
	soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err := l.pool.Do(soon, server.HashTurn{}, func() { t.Error("hashed") })
	var refused *server.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || refused.RetryAfter != 6*time.Second {
		t.Errorf("%+v", err)
	}
	l.join(t.Context(), server.HashTurn{Client: "patient"})
	if got := l.turns(); got != "patient" {
		t.Errorf("turns of %s", got)
	}
}

// A refusal without a hash takes as long as one, unless nobody waits for it.
func TestAsLongAsAHash(t *testing.T) {
	pool := server.NewHashPool(1, 20*time.Millisecond)
	start := time.Now()
	pool.AsLong(t.Context())
	if took := time.Since(start); took < 20*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	server.NewHashPool(1, time.Hour).AsLong(gone)
}

// Who sends a right password again and again, from all places that they are known at, keeps nobody else out.
func TestNobodyFillsTheQueueAlone(t *testing.T) {
	s, _ := limited(t, func(o *server.Options) { o.BcryptCost, o.MaxConcurrentHashes = 7, 1 })
	s.guess("192.0.2.1", "ann", password).wantOK(t)
	flood := func(i int) reply { return s.guess(fmt.Sprintf("198.51.100.%d", i%store.MostPlaces), "bob", password) }
	for i := range store.MostPlaces {
		flood(i).wantOK(t)
	}
	ctx, stop := context.WithCancel(t.Context())
	var flooding sync.WaitGroup
	defer flooding.Wait()
	defer stop()
	for i := range 3 * store.MostPlaces {
		flooding.Go(func() {
			for ctx.Err() == nil {
				flood(i)
			}
		})
	}
	eventually(t, 10*time.Second, "the queue is full", func() bool { return s.srv.HashesWaiting() == server.QueuePerHash })
	for i := range 5 {
		s.guess("192.0.2.1", "ann", password).wantOK(t)                    // at a known place
		s.guess(fmt.Sprintf("203.0.113.%d", i), "ann", password).wantOK(t) // and elsewhere
	}
}
