package bench

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func getting(to target) func(int) caller {
	request := to.get("/", "")
	return func(int) caller { return only(again([][]byte{request}, 0, "")) }
}

// A server that stalls makes late all requests that were to begin meanwhile, also those that were sent after it.
func TestNoCoordinatedOmission(t *testing.T) {
	const rate, stall, late = 1000, 400 * time.Millisecond, 50 * time.Millisecond
	var asked atomic.Int64
	_, to := serverOf(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 100 {
			time.Sleep(stall)
		}
	})
	l := &load{connections: 1, rate: rate, count: 1000}
	o := l.run(t.Context(), to, 1, getting(to))
	slow := 0
	for i, n := range o.results[0].buckets {
		if middle(i) > late {
			slow += int(n)
		}
	}
	if want := int((stall - late).Seconds() * rate); slow < want {
		t.Errorf("%d requests were late, want %d", slow, want)
	}
	if o.results[0].n != 1000 || o.unsent != 0 {
		t.Errorf("%d answers, %d not sent", o.results[0].n, o.unsent)
	}
}

// What is late does not push back what comes later: the last request is to begin at its time, not a delay after that.
func TestScheduleDoesNotDrift(t *testing.T) {
	w := &worker{load: &load{rate: 1000}, outcome: &outcome{start: time.Now().Add(-time.Minute)}}
	for n := range 60_000 {
		begin, ok := w.next(t.Context())
		if want := time.Duration(n) * time.Millisecond; !ok || begin.Sub(w.start).Round(time.Microsecond) != want {
			t.Fatalf("request %d begins after %v, want %v", n, begin.Sub(w.start), want)
		}
	}
}

// A server that answers nobody until the time is over: what could not be sent is told.
func TestUnsent(t *testing.T) {
	release := make(chan struct{})
	var warm atomic.Bool
	_, to := serverOf(t, func(w http.ResponseWriter, _ *http.Request) {
		if warm.Swap(true) {
			<-release
		}
	})
	l := &load{connections: 1, rate: 500, time: 200 * time.Millisecond, warmUp: 1}
	l.began = func() { time.AfterFunc(l.time+100*time.Millisecond, func() { close(release) }) }
	o := l.run(t.Context(), to, 1, getting(to))
	if o.unsent != 99 || o.results[0].n != 1 {
		t.Errorf("%d of 100 requests not sent, %d answered", o.unsent, o.results[0].n)
	}
}

func TestCount(t *testing.T) {
	var asked atomic.Int64
	_, to := serverOf(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	l := &load{connections: 8, count: 100}
	if o := l.run(t.Context(), to, 1, getting(to)); o.results[0].n != 100 || asked.Load() != 100 {
		t.Errorf("%d answers to %d requests, want 100", o.results[0].n, asked.Load())
	}
}

// Requests that are spent end a load, and none is sent twice, however many connections share them.
func TestSpent(t *testing.T) {
	seen := map[string]int{}
	var mu sync.Mutex
	_, to := serverOf(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.URL.Path]++
	})
	var requests [][]byte
	for i := range 50 {
		requests = append(requests, to.get("/"+string(rune('A'+i)), ""))
	}
	next := new(atomic.Int64)
	l := &load{connections: 8, time: time.Hour, warmUp: 1}
	o := l.run(t.Context(), to, 1, func(int) caller { return only(once(requests, next, "")) })
	for path, n := range seen {
		if n != 1 {
			t.Errorf("%s was sent %d times", path, n)
		}
	}
	if o.results[0].n != 42 || len(seen) != 50 || o.results[0].errors != 0 {
		t.Errorf("%d answers that count, %d requests, %d errors", o.results[0].n, len(seen), o.results[0].errors)
	}
}

// Whoever stops waits for no answer, and what was cut off is no error of the server.
func TestLoadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	_, to := serverOf(t, func(http.ResponseWriter, *http.Request) {
		cancel()
		<-release
	})
	l := &load{connections: 4, time: time.Hour}
	o := l.run(ctx, to, 1, getting(to))
	close(release)
	if o.results[0].n != 0 || o.results[0].errors != 0 {
		t.Errorf("%d answers, %d errors", o.results[0].n, o.results[0].errors)
	}
}

func TestErrorsAreCountedAndTheFirstIsKept(t *testing.T) {
	_, to := serverOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		w.Write([]byte(`{"error":"invalid_grant","refresh_token":"SECRET"}`))
	})
	l := &load{connections: 2, count: 10}
	r := &l.run(t.Context(), to, 1, getting(to)).results[0]
	if r.errors != 10 || r.n != 0 || r.firstError.Error() != "status 400 invalid_grant" {
		t.Errorf("%d errors, %v", r.errors, r.firstError)
	}
}

// No part of an answer that may hold a token is told.
func TestErrorCode(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":"invalid_grant","error_description":"x"}`: "invalid_grant",
		`{"error":"eyJhbGciOiJIUzI1NiJ9.e30.x"}`:            "",
		`{"error":["invalid_grant"]}`:                       "",
		`{"refresh_token":"SECRET"}`:                        "",
		`SECRET`:                                            "",
		"":                                                  "",
	} {
		if got := errorCode([]byte(body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestPartsOfAMix(t *testing.T) {
	var asked [2]atomic.Int64
	_, to := serverOf(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/a" {
			asked[0].Add(1)
		} else {
			asked[1].Add(1)
		}
	})
	w := mixed([]Weight{{"refresh", 1}, {"me", 3}})
	l := &load{connections: 4, count: 4000}
	o := l.run(t.Context(), to, 2, func(i int) caller {
		return caller{[]exchange{again([][]byte{to.get("/a", "")}, 0, ""), again([][]byte{to.get("/b", "")}, 0, "")}, w.picker(i)}
	})
	for i := range asked {
		if int64(o.results[i].n) != asked[i].Load() {
			t.Errorf("part %d: %d answers to %d requests", i, o.results[i].n, asked[i].Load())
		}
	}
	if n := asked[0].Load(); n < 850 || n > 1150 {
		t.Errorf("%d of 4000 requests are of the part that has a quarter", n)
	}
	if o.total().n != 4000 {
		t.Errorf("%d requests in all", o.total().n)
	}
}

func TestBrokenConnectionsAreMadeAnew(t *testing.T) {
	var asked atomic.Int64
	_, to := serverOf(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%3 == 0 {
			panic(http.ErrAbortHandler)
		}
	})
	l := &load{connections: 1, count: 9}
	if r := &l.run(t.Context(), to, 1, getting(to)).results[0]; r.n != 6 || r.errors != 3 {
		t.Errorf("%d answers, %d errors", r.n, r.errors)
	}
}

func TestCauseIsTold(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	died := errors.New("it died")
	cancel(died)
	if err := because(ctx, errors.New("connection refused")); err != died {
		t.Error(err)
	}
}

// Whoever is refused rests as long as the server says, is no error, and does not rest longer than the run.
func TestRefusedConnectionsRest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var asked [2]atomic.Int64
	_, to := serverOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refused" {
			asked[0].Add(1)
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if asked[1].Add(1) >= 500 && asked[0].Load() >= 2 {
			cancel()
		}
	})
	l := &load{connections: 4, time: time.Hour, givesWay: true}
	o := l.run(ctx, to, 1, func(i int) caller {
		path := []string{"/refused", "/"}[i%2]
		return only(again([][]byte{to.get(path, "")}, 0, ""))
	})
	if n := asked[0].Load(); n != 2 || o.refused.Load() > 2 || o.results[0].errors != 0 {
		t.Errorf("%d requests were refused, want one for each of 2 connections; %d counted, %d errors", n, o.refused.Load(), o.results[0].errors)
	}
	if o.results[0].n < 498 || o.took > 4*time.Second {
		t.Errorf("%d answers in %v", o.results[0].n, o.took)
	}
}

func TestRestsAreBounded(t *testing.T) {
	l := &load{givesWay: true}
	for _, c := range []struct{ after, want time.Duration }{{0, 0}, {time.Second, time.Second}, {24 * time.Hour, longestRest}} {
		if got := l.restAfter(&refusal{status: 503, after: c.after}); got != c.want {
			t.Errorf("after %v: %v", c.after, got)
		}
	}
	if l.restAfter(errSpent) != 0 || (&load{}).restAfter(&refusal{status: 503, after: time.Second}) != 0 {
		t.Error("a load that does not give way, or was not refused, rests")
	}
}
