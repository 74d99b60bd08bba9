package scopes_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// network carries real HTTP within a synctest bubble, whose clock a test can move: net/http on both sides, with pipes
// in place of TCP.
type network struct {
	calls chan net.Conn
	close func()
	gone  chan struct{}
}

// bubble runs a test with a network to a handler, which begins to serve at once.
func bubble(t *testing.T, handler http.HandlerFunc, test func(t *testing.T, transport http.RoundTripper)) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{calls: make(chan net.Conn), gone: make(chan struct{})}
		n.close = sync.OnceFunc(func() { close(n.gone) })
		server := &http.Server{Handler: handler}
		go func() { _ = server.Serve(n) }()
		transport := &http.Transport{DialContext: n.dial}
		defer func() {
			transport.CloseIdleConnections()
			_ = server.Close()
			time.Sleep(time.Minute) // whoever still sleeps or waits wakes up
		}()
		test(t, transport)
	})
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.calls:
		return c, nil
	case <-n.gone:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error   { n.close(); return nil }
func (n *network) Addr() net.Addr { return &net.TCPAddr{} }

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case n.calls <- far:
		return near, nil
	case <-n.gone:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
