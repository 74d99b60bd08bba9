package scopes_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantd/grantd/scopes"
)

// A hundred requests with one token are one question, and who leaves does not take the answer from the others.
func TestIntrospectOnce(t *testing.T) {
	d := &desk{answer: func(w http.ResponseWriter, token string) { time.Sleep(2 * time.Second); says()(w, token) }}
	introspecting(t, d, scopes.IntrospectOptions{}, func(t *testing.T, i *scopes.Introspector) {
		var group sync.WaitGroup
		for n := range 100 {
			group.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if n%2 == 0 {
					time.AfterFunc(time.Second, cancel)
				}
				_, err := i.Verify(ctx, "a")
				if left := n%2 == 0; left != errors.Is(err, context.Canceled) || !left && err != nil {
					t.Errorf("caller %d: %v", n, err)
				}
			})
		}
		if group.Wait(); d.count() != 1 {
			t.Errorf("asked %d times", d.count())
		}
	})
}

// However many tokens somebody makes up, the issuer has few questions at a time, and nobody waits for long.
func TestIntrospectBounds(t *testing.T) {
	d := &desk{answer: func(http.ResponseWriter, string) { time.Sleep(time.Minute) }}
	introspecting(t, d, scopes.IntrospectOptions{}, func(t *testing.T, i *scopes.Introspector) {
		began := time.Now()
		var group sync.WaitGroup
		for n := range 300 {
			group.Go(func() {
				_, err := i.Verify(t.Context(), fmt.Sprint("t", n))
				wantKind(t, err, scopes.Unavailable)
			})
		}
		if group.Wait(); time.Since(began) > 8*time.Second {
			t.Errorf("they waited %v", time.Since(began))
		}
		if most := d.most.Load(); most > 64 {
			t.Errorf("%d questions at a time", most)
		}
	})
}

// Who has gone is asked about no more: his question neither waits for a turn nor keeps one.
func TestIntrospectGone(t *testing.T) {
	d := &desk{answer: func(http.ResponseWriter, string) { time.Sleep(time.Minute) }}
	var heard []error
	o := scopes.IntrospectOptions{OnError: func(err error) { heard = append(heard, err) }}
	introspecting(t, d, o, func(t *testing.T, i *scopes.Introspector) {
		ctx, leave := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for n := range 300 {
			group.Go(func() {
				_, err := i.Verify(ctx, fmt.Sprint("t", n))
				if wantKind(t, err, scopes.Unavailable); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		before := runtime.NumGoroutine()
		if d.pending.Load() != 64 {
			t.Fatalf("%d questions at a time", d.pending.Load())
		}
		leave()
		group.Wait()
		synctest.Wait()
		// Of each: the caller and the flight; of 64 also two of the connection.
		if now := runtime.NumGoroutine(); now > before-600 {
			t.Errorf("%d goroutines, %d after all had gone", before, now)
		}
		d.set(says())
		if _, err := i.Verify(t.Context(), "good"); err != nil {
			t.Error(err)
		}
		if _, err := i.Verify(t.Context(), "t1"); err != nil {
			t.Error("a token of those who have gone:", err)
		}
		asked := d.count()
		for n := range 5000 { // They have gone already.
			_, err := i.Verify(ctx, fmt.Sprint("u", n))
			wantKind(t, err, scopes.Unavailable)
		}
		if synctest.Wait(); d.count() != asked || len(heard) != 0 {
			t.Errorf("%d questions for those who had gone; the operator heard %v", d.count()-asked, heard)
		}
	})
}

// So many may wait; the next is told at once, and when they are through, all is well again.
func TestIntrospectQueue(t *testing.T) {
	d := &desk{answer: func(http.ResponseWriter, string) { time.Sleep(time.Minute) }}
	introspecting(t, d, scopes.IntrospectOptions{}, func(t *testing.T, i *scopes.Introspector) {
		var group sync.WaitGroup
		for n := range 1024 {
			group.Go(func() { _, _ = i.Verify(t.Context(), fmt.Sprint("t", n)) })
		}
		synctest.Wait()
		began := time.Now()
		for n := range 100 {
			if _, err := i.Verify(t.Context(), fmt.Sprint("u", n)); err == nil || !strings.Contains(err.Error(), "too many tokens wait") {
				t.Error(err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("they waited %v", took)
		}
		group.Wait()
		d.set(says())
		if _, err := i.Verify(t.Context(), "good"); err != nil {
			t.Error(err)
		}
	})
}

// A request that begins after a revocation gets no answer to a question that is older than CacheFor says.
func TestIntrospectJoinsNoOldQuestion(t *testing.T) {
	for _, c := range []struct {
		cacheFor, gap time.Duration
		revoked       bool
	}{{-1, 0, true}, {time.Second, time.Second, true}, {time.Second, 999 * time.Millisecond, false}} {
		var revoked atomic.Bool
		d := &desk{answer: func(w http.ResponseWriter, token string) {
			answer := says()
			if revoked.Load() {
				answer = sends(200, `{"active":false}`)
			}
			time.Sleep(4 * time.Second) // the way of the answer
			answer(w, token)
		}}
		introspecting(t, d, scopes.IntrospectOptions{CacheFor: c.cacheFor}, func(t *testing.T, i *scopes.Introspector) {
			var first sync.WaitGroup
			first.Go(func() {
				if _, err := i.Verify(t.Context(), "a"); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			revoked.Store(true)
			later(c.gap)
			if _, err := i.Verify(t.Context(), "a"); (err != nil) != c.revoked {
				t.Errorf("CacheFor %v, begun %v after the revocation: %v", c.cacheFor, c.gap, err)
			}
			first.Wait()
		})
	}
}

// breaking is a Transport with a bug.
type breaking struct{ answering }

func (b *breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost {
		panic("nobody thought of this")
	}
	return b.answering.RoundTrip(r)
}

// A bug in the service's Transport costs it a request, as in a handler of net/http, and not the process.
func TestIntrospectOutlivesPanic(t *testing.T) {
	var heard []error
	o := scopes.IntrospectOptions{Transport: &breaking{}, OnError: func(err error) { heard = append(heard, err) }}
	introspecting(t, &desk{}, o, func(t *testing.T, i *scopes.Introspector) {
		for n := range 200 { // more than there are turns
			_, err := i.Verify(t.Context(), fmt.Sprint(n))
			if wantKind(t, err, scopes.Unavailable); !strings.Contains(err.Error(), "nobody thought of this") {
				t.Fatal(err)
			}
		}
		if len(heard) != 1 {
			t.Errorf("the operator heard %v", heard)
		}
	})
}
