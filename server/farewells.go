package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/grantd/grantd/server/telemetry"
	"github.com/grantd/grantd/store"
)

const (
	maxNotices         = 4096 // that wait, those for a later attempt included
	maxNoticesOfClient = 1024 // of these. One client that is down leaves room for others
	sendersOfClient    = 2    // at a time, for the same reason
)

var (
	errServerStops    = errors.New("the server stops")
	errTooManyNotices = errors.New("too many wait to be told")
)

// notice is for one client: a session that it was told of has ended.
type notice struct {
	client    store.Client
	sessionID string
	subject   string
	request   string // the id of the request that ended it, for the log
	origin    telemetry.Origin
	attempts  int // so far
}

// farewells are the notices on their way (OpenID Connect Back-Channel Logout). The clients
// that have some take turns, so that none waits for another that does not answer.
type farewells struct {
	http *http.Client

	mu      sync.Mutex
	some    *sync.Cond
	stopped bool // nobody sends any more
	lines   map[string]*line
	turns   []string                // the clients of which a notice can be sent now, each once
	later   map[*notice]*time.Timer // for the next attempt
	waiting int                     // in lines and later
}

// line is what waits for one client.
type line struct {
	notices []notice
	sending int
	waiting int // in notices and, of this client, in later
	queued  bool
}

func newFarewells() *farewells {
	dialer := &net.Dialer{Timeout: noticeTime, Control: refuseLinkLocal}
	f := &farewells{lines: map[string]*line{}, later: map[*notice]*time.Timer{}, http: &http.Client{
		Timeout: noticeTime,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			MaxIdleConnsPerHost: sendersOfClient, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxNoticeReply,
		},
		// The token is for the URI that was registered, and for no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	f.some = sync.NewCond(&f.mu)
	return f
}

// depth is how many wait.
func (f *farewells) depth() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiting
}

// add has a notice sent after a pause. Its error says why it will not be.
func (f *farewells) add(n notice, pause time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.lines[n.client.ID]
	switch {
	case f.stopped:
		return errServerStops
	case f.waiting == maxNotices || l != nil && l.waiting == maxNoticesOfClient:
		return errTooManyNotices
	case l == nil:
		l = &line{}
		f.lines[n.client.ID] = l
	}
	f.waiting++
	l.waiting++
	if pause == 0 {
		f.queue(n)
		return nil
	}
	later := &n
	f.later[later] = time.AfterFunc(pause, func() { f.due(later) })
	return nil
}

// due queues a notice whose pause is over.
func (f *farewells) due(n *notice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.later[n]; ok { // the server did not stop meanwhile
		delete(f.later, n)
		f.queue(*n)
	}
}

func (f *farewells) queue(n notice) {
	l := f.lines[n.client.ID]
	l.notices = append(l.notices, n)
	f.takeTurn(n.client.ID, l)
}

// takeTurn puts a client at the end of the turns if something of it can be sent.
func (f *farewells) takeTurn(id string, l *line) {
	if !l.queued && len(l.notices) > 0 && l.sending < sendersOfClient {
		l.queued = true
		f.turns = append(f.turns, id)
		f.some.Signal()
	}
}

// wait takes the next notice that can be sent, and waits for one until ctx ends.
func (f *farewells) wait(ctx context.Context) (n notice, ok bool) {
	defer context.AfterFunc(ctx, f.wake)()
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.turns) == 0 && ctx.Err() == nil {
		f.some.Wait()
	}
	if ctx.Err() != nil {
		return notice{}, false
	}
	return f.take()
}

func (f *farewells) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.some.Broadcast()
}

// next takes the next notice that can be sent now. Without one, all that are left are of
// clients that are being told, by senders that come again.
func (f *farewells) next() (notice, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.take()
}

func (f *farewells) take() (n notice, ok bool) {
	if len(f.turns) == 0 {
		return notice{}, false
	}
	id := f.turns[0]
	f.turns = f.turns[1:]
	l := f.lines[id]
	n, l.notices, l.queued = l.notices[0], l.notices[1:], false
	l.sending++
	l.waiting--
	f.waiting--
	f.takeTurn(id, l)
	return n, true
}

// sent says that a notice that was taken is on its way no more.
func (f *farewells) sent(n notice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.lines[n.client.ID]
	l.sending--
	f.takeTurn(n.client.ID, l)
	f.forget(n.client.ID, l)
}

// forget drops the line of a client for which there is nothing to do.
func (f *farewells) forget(id string, l *line) {
	if l.sending == 0 && l.waiting == 0 {
		delete(f.lines, id)
	}
}

// admit opens the lines, or closes them and returns those that would have been tried again.
func (f *farewells) admit(yes bool) (given []notice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = !yes
	if yes {
		return nil
	}
	for n, timer := range f.later {
		timer.Stop()
		given = append(given, *n)
		l := f.lines[n.client.ID]
		l.waiting--
		f.waiting--
		f.forget(n.client.ID, l)
	}
	clear(f.later)
	return given
}
