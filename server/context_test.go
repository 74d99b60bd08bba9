package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
)

func TestRequestContext(t *testing.T) {
	hour := time.Now().Add(time.Hour)
	past := time.Now().Add(-time.Second)
	left, leave := context.WithCancel(t.Context())
	leave()
	sooner, stop := context.WithDeadline(t.Context(), past)
	defer stop()
	for _, c := range []struct {
		name     string
		parent   context.Context
		deadline time.Time
		over     bool
		want     error
	}{
		{"under way", t.Context(), hour, false, nil},
		{"over", t.Context(), hour, true, context.Canceled},
		{"the client left", left, hour, false, context.Canceled},
		{"too late", t.Context(), past, false, context.DeadlineExceeded},
		{"too late for net/http", sooner, hour, false, context.DeadlineExceeded},
	} {
		for _, waits := range []bool{false, true} { // before it ends
			ctx, end := server.NewRequestContext(c.parent, c.deadline)
			if waits {
				ctx.Done()
			}
			if c.over {
				end()
			}
			if err := ctx.Err(); !errors.Is(err, c.want) {
				t.Errorf("%s: error %v, want %v", c.name, err, c.want)
			}
			select {
			case <-ctx.Done():
				if c.want == nil {
					t.Errorf("%s: done", c.name)
				}
			default:
				if c.want != nil {
					t.Errorf("%s: not done", c.name)
				}
			}
			end()
			if err, again := ctx.Err(), ctx.Err(); err == nil || err != again || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s: error %v, then %v", c.name, err, again)
			}
			<-ctx.Done()
		}
	}
}

func TestRequestContextDeadline(t *testing.T) {
	hour, minute := time.Now().Add(time.Hour), time.Now().Add(time.Minute)
	parent, cancel := context.WithDeadline(t.Context(), minute)
	defer cancel()
	for _, c := range []struct {
		parent         context.Context
		deadline, want time.Time
	}{{t.Context(), hour, hour}, {parent, hour, minute}, {parent, time.Unix(1, 0), time.Unix(1, 0)}} {
		ctx, end := server.NewRequestContext(c.parent, c.deadline)
		defer end()
		if got, ok := ctx.Deadline(); !ok || !got.Equal(c.want) {
			t.Errorf("deadline %v, want %v", got, c.want)
		}
	}
}

// What is made of the context ends with it, and costs no goroutine that waits for that.
func TestRequestContextHasChildren(t *testing.T) {
	ctx, end := server.NewRequestContext(t.Context(), time.Now().Add(time.Hour))
	before := runtime.NumGoroutine()
	var children []context.Context
	for range 50 {
		child, cancel := context.WithTimeout(context.WithValue(ctx, t, "x"), time.Hour)
		defer cancel()
		children = append(children, child)
	}
	if grown := runtime.NumGoroutine() - before; grown >= len(children) {
		t.Errorf("%d goroutines wait for the context to end", grown)
	}
	end()
	for _, child := range children {
		<-child.Done()
		if !errors.Is(child.Err(), context.Canceled) || !server.KnowsRequest(child) {
			t.Errorf("error %v", child.Err())
		}
	}
}

func TestRequestContextOfMany(t *testing.T) {
	for range 100 {
		ctx, end := server.NewRequestContext(t.Context(), time.Now().Add(time.Hour))
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				if i%2 == 0 && ctx.Err() != nil && ctx.Err() != context.Canceled {
					t.Error(ctx.Err())
				}
				child, cancel := context.WithCancel(ctx)
				defer cancel()
				<-child.Done()
			})
		}
		end()
		all.Wait()
	}
}

// A handler that waits hears that its client left.
func TestClientLeaves(t *testing.T) {
	s := newSystem(t)
	entered, ended := make(chan struct{}), make(chan error, 1)
	web := httptest.NewServer(s.srv.Observed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, ok := r.Context().Deadline(); !ok || r.Context().Err() != nil {
			t.Error("no deadline, or ended")
		}
		close(entered)
		<-r.Context().Done()
		ended <- r.Context().Err()
	})))
	defer web.Close()
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-entered; leave() }()
	r, err := http.NewRequestWithContext(ctx, "GET", web.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.DefaultTransport.RoundTrip(r); err == nil {
		res.Body.Close()
		t.Fatal("answered")
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler saw %v", err)
	}
}
