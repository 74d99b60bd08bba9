package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

const (
	noticeTime     = 5 * time.Second // for one request to a client
	noticeSenders  = 8               // requests at a time
	maxNotices     = 4096            // that wait
	logoutTokenTTL = 2 * time.Minute // OpenID Connect Back-Channel Logout §4: at most
	maxNoticeReply = 4 << 10         // bytes that are read of an answer
)

// noticeRetries are the pauses before a client that could not be told is told again.
var noticeRetries = []time.Duration{2 * time.Second, 15 * time.Second}

// notice is for one client: a session that it was told of has ended.
type notice struct {
	client    store.Client
	sessionID string
	subject   string
	request   string // the id of the request that ended it, for the log
	attempt   int
}

// farewells are those on their way (OpenID Connect Back-Channel Logout).
type farewells struct {
	queue chan notice
	http  *http.Client

	mu      sync.Mutex
	stopped bool // nobody sends any more
}

func newFarewells() *farewells {
	dialer := &net.Dialer{Timeout: noticeTime, Control: refuseLinkLocal}
	return &farewells{queue: make(chan notice, maxNotices), http: &http.Client{
		Timeout: noticeTime,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxNoticeReply,
		},
		// The token is for the URI that was registered, and for no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// refuseLinkLocal: operators register these URIs, so that private addresses are right.
// Link-local ones are where clouds keep the secrets of a machine.
func refuseLinkLocal(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := at.Addr().Unmap(); ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return fmt.Errorf("%s is not an address of a client", ip)
	}
	return nil
}

// tellClients lets the clients know, in the background, that sessions ended
// (OpenID Connect Back-Channel Logout §2.5): those that registered for it.
func (s *Server) tellClients(ctx context.Context, subject string, ended []store.ToldSession) {
	for _, e := range ended {
		client, _, err := s.client(ctx, e.ClientID)
		if err != nil || client.BackchannelURI == "" {
			s.warn(ctx, "find a client that is to be told of a logout", ignoreNotFound(err))
			continue
		}
		s.enqueue(notice{client: client, sessionID: e.ID, subject: subject, request: recordOf(ctx).id})
	}
}

// enqueue never waits: a person who signs out does not.
func (s *Server) enqueue(n notice) {
	s.farewells.mu.Lock()
	defer s.farewells.mu.Unlock()
	if s.farewells.stopped {
		s.noteNotice(n, errors.New("the server stops"))
		return
	}
	select {
	case s.farewells.queue <- n:
	default:
		s.noteNotice(n, errors.New("too many wait to be told"))
	}
}

// sendNotices sends until ctx ends, and then once more what still waits, for as
// long as one request may take.
func (s *Server) sendNotices(ctx context.Context) {
	s.farewells.admit(true)
	s.eachSender(func() {
		for {
			select {
			case n := <-s.farewells.queue:
				s.tell(ctx, n)
			case <-ctx.Done():
				return
			}
		}
	})
	s.farewells.admit(false)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeTime)
	defer cancel()
	s.eachSender(func() {
		for {
			select {
			case n := <-s.farewells.queue:
				s.noteNotice(n, s.deliver(last, n))
			default:
				return
			}
		}
	})
}

func (s *Server) eachSender(do func()) {
	var senders sync.WaitGroup
	defer senders.Wait()
	for range noticeSenders {
		senders.Go(do)
	}
}

func (n *farewells) admit(yes bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopped = !yes
}

// tell tells one client, and later again if it could not be told now.
func (s *Server) tell(ctx context.Context, n notice) {
	// A request that has begun is not cut off when the server stops.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeTime)
	defer cancel()
	err := s.deliver(ctx, n)
	if refused := (*refusedNotice)(nil); err == nil || errors.As(err, &refused) || n.attempt == len(noticeRetries) {
		s.noteNotice(n, err)
		return
	}
	pause := noticeRetries[n.attempt]
	n.attempt++
	time.AfterFunc(pause, func() { s.enqueue(n) })
}

// noteNotice logs what became of a notice.
func (s *Server) noteNotice(n notice, err error) {
	ctx := context.WithValue(context.Background(), recordKey{}, &record{id: n.request})
	about := []any{"client", n.client.ID, "session", n.sessionID, "subject", n.subject, "attempts", n.attempt + 1}
	if err != nil {
		s.audit(ctx, slog.LevelWarn, "backchannel_logout.failed", append(about, "error", err.Error())...)
		return
	}
	s.audit(ctx, slog.LevelInfo, "backchannel_logout.delivered", about...)
}

// refusedNotice is a failure that would be the same the next time.
type refusedNotice struct{ why string }

func (e *refusedNotice) Error() string { return e.why }

// deliver posts a logout token to the client (OpenID Connect Back-Channel Logout §2.5).
func (s *Server) deliver(ctx context.Context, n notice) error {
	if !safeNoticeURI(n.client.BackchannelURI) {
		return &refusedNotice{"its back-channel logout URI is neither https nor http on loopback"}
	}
	now := s.Now()
	logoutToken, err := s.ring.MintLogout(token.Logout{
		Alg: n.client.IDTokenAlg, Issuer: s.Issuer, Subject: n.subject, ClientID: n.client.ID, SessionID: n.sessionID,
		IssuedAt: now, ExpireAt: now.Add(logoutTokenTTL),
	})
	if err != nil {
		return err
	}
	body := url.Values{"logout_token": {logoutToken}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.client.BackchannelURI, strings.NewReader(body))
	if err != nil {
		return &refusedNotice{"its back-channel logout URI is malformed"}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := s.farewells.http.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	io.CopyN(io.Discard, res.Body, maxNoticeReply) // so that the connection can be used again; what it says does not count
	return noticeOutcome(res.StatusCode)
}

// noticeOutcome: §2.8: 200 is a success; some frameworks make it 204.
func noticeOutcome(status int) error {
	switch {
	case status == http.StatusOK || status == http.StatusNoContent:
		return nil
	case status >= http.StatusInternalServerError || status == http.StatusTooManyRequests:
		return fmt.Errorf("the client answered %d", status)
	}
	return &refusedNotice{fmt.Sprintf("the client answered %d", status)}
}

// safeNoticeURI: the token says who has signed out where, which is nobody else's business.
func safeNoticeURI(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && ip.IsLoopback())
}
