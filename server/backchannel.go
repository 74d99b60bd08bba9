package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/grantd/grantd/server/telemetry"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

const (
	noticeSenders  = 8               // requests at a time
	logoutTokenTTL = 2 * time.Minute // OpenID Connect Back-Channel Logout §4: at most
	maxNoticeReply = 4 << 10         // bytes that are read of an answer
)

// noticeTime is for one request to a client.
var noticeTime = 5 * time.Second

// noticeRetries are the pauses before a client that could not be told is told again.
var noticeRetries = []time.Duration{2 * time.Second, 15 * time.Second}

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
// (OpenID Connect Back-Channel Logout §2.5): those that registered for it. The sessions
// have ended for good, so that a browser that goes away now stops nothing.
func (s *Server) tellClients(ctx context.Context, subject string, ended []store.ToldSession) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), taskTime)
	defer cancel()
	for _, e := range ended {
		n := notice{client: store.Client{ID: e.ClientID}, sessionID: e.ID, subject: subject, request: recordOf(ctx).id, origin: telemetry.OriginOf(ctx)}
		client, _, err := s.client(ctx, e.ClientID)
		switch {
		case ignoreNotFound(err) != nil:
			s.noteNotice(n, fmt.Errorf("its back-channel logout URI could not be read: %w", err))
		case err == nil && client.BackchannelURI != "":
			n.client = *client
			s.enqueue(n, 0)
		}
	}
}

// enqueue never waits: a person who signs out does not.
func (s *Server) enqueue(n notice, pause time.Duration) {
	if err := s.farewells.add(n, pause); err != nil {
		s.noteNotice(n, err)
	}
}

// sendNotices sends until ctx ends, and then once more what still waits, for as
// long as one request may take.
func (s *Server) sendNotices(ctx context.Context) {
	s.farewells.admit(true)
	eachSender(func() {
		for n, ok := s.farewells.wait(ctx); ok; n, ok = s.farewells.wait(ctx) {
			s.tell(ctx, n)
			s.farewells.sent(n)
		}
	})
	for _, n := range s.farewells.admit(false) {
		s.noteNotice(n, errServerStops)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeTime)
	defer cancel()
	eachSender(func() {
		for n, ok := s.farewells.next(); ok; n, ok = s.farewells.next() {
			n.attempts++
			s.noteNotice(n, s.deliver(last, n))
			s.farewells.sent(n)
		}
	})
}

func eachSender(do func()) {
	var senders sync.WaitGroup
	defer senders.Wait()
	for range noticeSenders {
		senders.Go(do)
	}
}

// tell tells one client, and later again if it could not be told now.
func (s *Server) tell(running context.Context, n notice) {
	// A request that has begun is not cut off when the server stops.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(running), noticeTime)
	defer cancel()
	err := s.deliver(ctx, n)
	n.attempts++
	refused := (*refusedNotice)(nil)
	if err == nil || errors.As(err, &refused) || n.attempts > len(noticeRetries) || running.Err() != nil {
		s.noteNotice(n, err)
		return
	}
	s.enqueue(n, noticeRetries[n.attempts-1])
}

// noteNotice logs what became of a notice.
func (s *Server) noteNotice(n notice, err error) {
	ctx := context.WithValue(context.Background(), recordKey{}, &record{id: n.request})
	told := store.Event{
		Type: "backchannel_logout.delivered", Subject: n.subject, ClientID: n.client.ID, Detail: store.Detail{"session": n.sessionID, "attempts": n.attempts},
	}
	s.metrics.notices.Inc(outcomeOf(err))
	level := slog.LevelInfo
	if err != nil {
		level, told.Type, told.Detail["error"] = slog.LevelWarn, "backchannel_logout.failed", err.Error()
	}
	s.audit(ctx, level, told)
}

// refusedNotice is a failure that would be the same the next time.
type refusedNotice struct{ why string }

func (e *refusedNotice) Error() string { return e.why }

// deliver posts a logout token to the client (OpenID Connect Back-Channel Logout §2.5).
func (s *Server) deliver(ctx context.Context, n notice) error {
	if !safeNoticeURI(n.client.BackchannelURI) {
		return &refusedNotice{"its back-channel logout URI is neither https nor http on loopback"}
	}
	if err := s.ensureIDKey(ctx, &n.client); err != nil {
		return err
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
	res, err := s.post(r, n.origin)
	if err != nil {
		return withoutQuery(err, r.URL)
	}
	defer res.Body.Close()
	io.CopyN(io.Discard, res.Body, maxNoticeReply) // so that the connection can be used again; what it says does not count
	return noticeOutcome(res.StatusCode)
}

// post sends a notice. The client may see which trace it belongs to, an id that is worth nothing to it.
func (s *Server) post(r *http.Request, origin telemetry.Origin) (*http.Response, error) {
	ctx, span := s.tracing.Call(r.Context(), origin, r.Method, r.Header)
	res, err := s.farewells.http.Do(r.WithContext(ctx))
	status := 0
	if res != nil {
		status = res.StatusCode
	}
	span.Called(r.Method, r.URL.Hostname(), status, err)
	return res, err
}

// withoutQuery is an error of net/http without what a URI may hold of secrets.
func withoutQuery(err error, uri *url.URL) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return fmt.Errorf("POST %s://%s%s: %w", uri.Scheme, uri.Host, uri.EscapedPath(), err)
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
