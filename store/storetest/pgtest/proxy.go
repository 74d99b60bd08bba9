package pgtest

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Network lies between clients and a server, for a test to break. Its methods may be called from
// any goroutine.
//
// (The known tool is Shopify's toxiproxy. The newest version of it that a Go program can import is
// of 2022 and needs a dozen modules, of which Prometheus' client is one; it has no way to hold data
// back without losing it, nor to cut one connection of many.)
type Network struct {
	t      testing.TB
	target string // host:port of the server
	addr   string // host:port for the clients

	mu       sync.Mutex
	changed  sync.Cond    // that links, requests or replies did
	listener net.Listener // nil while it refuses
	links    []*link      // the oldest first
	requests bool         // what clients send is held back
	replies  bool         // what the server sends is held back
	delay    time.Duration
}

// link is a client's connection.
type link struct {
	client, server net.Conn // server is nil until it was reached
	closed         bool
}

// Proxy returns a network to the server of target, a postgres:// URL. It ends with the test.
func Proxy(t testing.TB, target string) *Network {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	n := &Network{t: t, target: u.Host}
	n.changed.L = &n.mu
	err = retryPort(func(port int) error {
		n.addr = address(port)
		return n.listen()
	})
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		n.Refuse(true)
		n.Cut()
	})
	return n
}

// URL returns the postgres:// URL of the same database through the network.
func (n *Network) URL(target string) string {
	n.t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		n.t.Errorf("pgtest: %v", err)
		return ""
	}
	u.Host = n.addr
	return u.String()
}

// Cut resets all connections, as a firewall does that has restarted. New ones work.
func (n *Network) Cut() {
	for n.CutOne() {
	}
}

// CutOne resets the oldest connection and reports whether there was one.
func (n *Network) CutOne() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.links) == 0 {
		return false
	}
	l := n.links[0]
	for _, conn := range []net.Conn{l.client, l.server} {
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetLinger(0) // RST rather than FIN
		}
	}
	n.close(l)
	return true
}

// Connections returns how many clients are connected.
func (n *Network) Connections() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.links)
}

// Refuse refuses new connections, or no longer does. Those that are open stay so.
func (n *Network) Refuse(refuse bool) {
	n.t.Helper()
	n.mu.Lock()
	listener := n.listener
	n.mu.Unlock()
	switch {
	case refuse && listener != nil:
		n.mu.Lock()
		n.listener = nil
		n.mu.Unlock()
		listener.Close()
	case !refuse && listener == nil:
		if err := n.listen(); err != nil {
			n.t.Errorf("pgtest: %v", err)
		}
	}
}

// Freeze stops all traffic and hides who closes a connection, as a network does that drops packets:
// neither side learns of it. New connections are made and then hang. Nothing is lost, and Thaw
// delivers it.
func (n *Network) Freeze() { n.hold(true, true) }

// FreezeReplies holds back what the server says and delivers what it is asked: a Cut thereafter
// leaves a client that cannot know whether its transaction was committed.
func (n *Network) FreezeReplies() { n.hold(false, true) }

// Thaw ends Freeze and FreezeReplies.
func (n *Network) Thaw() { n.hold(false, false) }

func (n *Network) hold(requests, replies bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.requests, n.replies = requests, replies
	n.changed.Broadcast()
}

// Delay makes each piece of a reply d late. Zero ends it.
func (n *Network) Delay(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay = d
}

func (n *Network) listen() error {
	listener, err := net.Listen("tcp", n.addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return errPortTaken
	}
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.listener = listener
	n.mu.Unlock()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // closed
			}
			l := &link{client: client}
			n.mu.Lock()
			n.links = append(n.links, l)
			n.mu.Unlock()
			go n.connect(l)
		}
	}()
	return nil
}

// connect reaches the server for l and lets both talk.
func (n *Network) connect(l *link) {
	n.await(l, &n.requests)
	server, err := net.DialTimeout("tcp", n.target, patience)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.close(l)
		return
	}
	l.server = server
	if l.closed { // meanwhile
		server.Close()
		return
	}
	go n.pump(l, l.client, l.server, &n.requests)
	go n.pump(l, l.server, l.client, &n.replies)
}

// pump carries what from sends to to, until one of them closes.
func (n *Network) pump(l *link, from, to net.Conn, held *bool) {
	buf := make([]byte, 64<<10)
	for {
		read, err := from.Read(buf)
		delay := n.await(l, held)
		if held == &n.replies {
			time.Sleep(delay)
			n.await(l, held) // may have begun to hold meanwhile
		}
		if _, writeErr := to.Write(buf[:read]); err != nil || writeErr != nil {
			n.mu.Lock()
			n.close(l)
			n.mu.Unlock()
			return
		}
	}
}

// await waits while *held is true and l is open, and returns the delay of replies.
func (n *Network) await(l *link, held *bool) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	for *held && !l.closed {
		n.changed.Wait()
	}
	return n.delay
}

// close closes both ends of l. The caller holds n.mu.
func (n *Network) close(l *link) {
	if l.closed {
		return
	}
	l.closed = true
	l.client.Close()
	if l.server != nil {
		l.server.Close()
	}
	n.links = slices.DeleteFunc(n.links, func(other *link) bool { return other == l })
	n.changed.Broadcast()
}
