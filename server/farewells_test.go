package server_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// newHole is a client's server that takes requests and never answers, until it is closed.
func newHole(t *testing.T) (base string, taken chan struct{}, shut func()) {
	t.Helper()
	release := make(chan struct{})
	taken = make(chan struct{}, 1000)
	hole := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		taken <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(hole.Close)
	shut = sync.OnceFunc(func() { close(release) })
	t.Cleanup(shut)
	return hole.URL, taken, shut
}

func (s *system) endSessions(ctx context.Context, sid string) {
	s.t.Helper()
	if err := s.srv.EndSessions(ctx, store.SessionEnd{UserID: "u-ann", ID: sid}); err != nil {
		s.t.Fatal(err)
	}
}

// failures are how many notices are logged as lost.
func (s *system) failures() int { return strings.Count(s.log.String(), "backchannel_logout.failed") }

// A client that does not answer delayed the notices of all others, and took their places.
func TestOneDeadClientHoldsUpNoOther(t *testing.T) {
	s := newSystem(t)
	base, heard := newBackchannel(t, always(http.StatusOK))
	hole, taken, shut := newHole(t)
	s.addClient(store.Client{ID: "dead", BackchannelURI: hole})
	s.addClient(store.Client{ID: "shop", BackchannelURI: base})
	for range 64 {
		s.join(t, "dead")
	}
	s.run(t)
	s.endSessions(t.Context(), "") // all of the dead one's come first
	<-taken
	<-taken
	sid, _ := s.join(t, "shop")
	begin := time.Now()
	s.endSessions(t.Context(), sid)
	next(t, heard)
	shut()
	if took := time.Since(begin); took > 4*time.Second { // a request to the dead one takes five
		t.Errorf("the client was told after %v", took)
	}
}

// Senders chose at random between what waited and the end.
func TestStopTakesTwoRequestsAtMost(t *testing.T) {
	const most = time.Second
	t.Cleanup(server.LimitNotices(most))
	s := newSystem(t)
	hole, _, _ := newHole(t)
	s.addClient(store.Client{ID: "dead", BackchannelURI: hole + "/out?key=not-for-logs"})
	const waiting = 100
	for range waiting {
		s.join(t, "dead")
	}
	s.endSessions(t.Context(), "")
	ctx, cancel := context.WithTimeout(t.Context(), most/5) // while the first requests are under way
	defer cancel()
	begin := time.Now()
	s.srv.Run(ctx)
	if took := time.Since(begin); took > 3*most {
		t.Errorf("Run took %v", took)
	}
	if n := s.failures(); n != waiting {
		t.Errorf("%d of %d failures are in the log", n, waiting)
	}
	if strings.Contains(s.log.String(), "not-for-logs") {
		t.Error("the log has the query of a URI")
	}
}

// A notice that waited for its next attempt was lost without a word.
func TestNoticesForLaterAreLoggedAtTheEnd(t *testing.T) {
	t.Cleanup(server.RetryNotices(time.Hour))
	s := newSystem(t)
	base, heard := newBackchannel(t, always(http.StatusServiceUnavailable))
	s.addClient(store.Client{ID: "shop", BackchannelURI: base})
	stop := s.run(t)
	sid, _ := s.join(t, "shop")
	s.endSessions(t.Context(), sid)
	next(t, heard)
	stop()
	if s.failures() != 1 || len(heard) != 0 {
		t.Errorf("%d failures are in the log, %d more requests came", s.failures(), len(heard))
	}
}

// goesAway is a log that ends a context as soon as a text is in it.
type goesAway struct {
	slog.Handler
	text   string
	cancel *context.CancelFunc
}

func (g goesAway) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Value.String() == g.text {
			(*g.cancel)()
		}
		return true
	})
	return g.Handler.Handle(ctx, r)
}

// The clients were looked up in the time of the request, which a browser ends by going away.
func TestNoticesOutliveTheRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newSystem(t, func(o *server.Options) {
		o.Log = slog.New(goesAway{o.Log.Handler(), "session.ended", &cancel})
	})
	base, heard := newBackchannel(t, always(http.StatusOK))
	s.addClient(store.Client{ID: "shop", BackchannelURI: base})
	s.run(t)
	sid, _ := s.join(t, "shop")
	s.endSessions(ctx, sid)
	next(t, heard)
}
