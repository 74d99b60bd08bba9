package doctor

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// verdict is the outcome of a point with what shows it.
type verdict struct {
	outcome  Outcome
	evidence string
	own      bool // the evidence is a text of ours, with nothing of the server's in it
}

func ok(format string, args ...any) verdict {
	return verdict{outcome: OK, evidence: fmt.Sprintf(format, args...)}
}
func fails(format string, args ...any) verdict {
	return verdict{outcome: Fails, evidence: fmt.Sprintf(format, args...)}
}
func unknown(format string, args ...any) verdict {
	return verdict{outcome: CannotTell, evidence: fmt.Sprintf(format, args...)}
}

// because is the verdict where an error kept from looking.
func because(err error) verdict {
	v := unknown("%v", err)
	_, v.own = err.(reason)
	return v
}

// reason is an error of ours.
type reason string

func (r reason) Error() string { return string(r) }

// exam is one examination: what is asked once is kept for the points that come later.
type exam struct {
	Options
	issuer    *url.URL
	transport *http.Transport
	sent      int
	pause     time.Duration // between requests

	metadata *metadata
	metaErr  error
	secure   *tls.ConnectionState // of the first https answer

	person  *browser // who signs in; nil until somebody is needed
	stopped error    // why nobody can sign in
	posted  []int    // statuses of redirects after a password or a consent was sent

	// What several points look at is done once, each.
	keys      func(ctx context.Context) ([]json.RawMessage, error)
	wrong     func(ctx context.Context) ([]*reply, error)  // token requests that are refused
	page      func(ctx context.Context) (*reply, error)    // what somebody sees who is not signed in
	good      func(ctx context.Context) (flow, error)      // a good authorization request
	some      func(ctx context.Context) (*tokens, error)   // tokens that are only looked at
	refreshed func(ctx context.Context) (*exchange, error) // a good refresh
	replayed  func(ctx context.Context) (*exchange, error) // a code that was sent twice
	reused    func(ctx context.Context) (*exchange, error) // a refresh token from two refreshes ago

	given  []string // tokens to be revoked at the end
	hidden []string // what evidence must not show
}

func newExam(o Options) (*exam, error) {
	o.Requests = cmp.Or(o.Requests, DefaultRequests)
	o.Patience = cmp.Or(o.Patience, DefaultPatience)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	issuer, err := url.Parse(o.Issuer)
	if err != nil {
		return nil, err
	}
	e := &exam{Options: o, issuer: issuer}
	e.transport = &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: o.Patience}).DialContext,
		TLSClientConfig: &tls.Config{RootCAs: o.Roots}, TLSHandshakeTimeout: o.Patience, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 2,
	}
	if !isLoopback(issuer.Hostname()) {
		e.pause = 50 * time.Millisecond // it serves others, too
	}
	e.hide(o.Password, o.Client.Secret, o.Other.Secret)
	e.keys, e.wrong, e.page = once(e.tryKeys), once(e.tryWrong), once(e.tryPage)
	e.good, e.some, e.refreshed, e.replayed, e.reused = once(e.tryGood), once(e.trySome), once(e.tryRefresh), once(e.tryReplay), once(e.tryReuse)
	return e, nil
}

// wellKnown are the places of the metadata: RFC 8414 §3.1, and for OpenID providers §5.
func (e *exam) wellKnown() []string {
	origin, path := e.issuer.Scheme+"://"+e.issuer.Host, strings.TrimSuffix(e.issuer.EscapedPath(), "/")
	return []string{origin + "/.well-known/oauth-authorization-server" + path, origin + path + "/.well-known/openid-configuration"}
}

func newJar() http.CookieJar {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no reason to fail
	}
	return jar
}

// hide keeps values out of all evidence.
func (e *exam) hide(values ...string) {
	for _, v := range values {
		if len(v) >= 4 {
			e.hidden = append(e.hidden, v, url.QueryEscape(v))
		}
	}
}

// maxEvidence bounds what is said of a point, in runes.
const maxEvidence = 300

// clean is evidence fit to be shown: short, without secrets.
func (e *exam) clean(v verdict) string {
	evidence := v.evidence
	if v.own {
		return evidence
	}
	for _, secret := range e.hidden {
		evidence = strings.ReplaceAll(evidence, secret, "…")
	}
	return clip(strings.Join(strings.Fields(strings.ToValidUTF8(evidence, "?")), " "), maxEvidence)
}

func clip(s string, runes int) string {
	for i := range s {
		if runes--; runes < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// random is a value nobody knows: a state, a verifier, a token that does not exist.
func random() string { return rand.Text() + rand.Text() }

// Reasons why a point cannot be told.
const (
	errNoClient   = reason("no client to test with; name one with --client")
	errNoRedirect = reason("no redirect URI of the client; name it with --redirect-uri")
	errNoUser     = reason("nobody to sign in; name a test user with --user")
	errNoOther    = reason("no second client to try with; name one with --other-client")
	errPublic     = reason("the client is a public one; name one with --client-secret-file")
)

// needs says why a point that takes these cannot be told, nil if they are there.
func (e *exam) needs(endpoint string, client, redirect, user bool) error {
	switch {
	case e.metadata == nil:
		return fmt.Errorf("the metadata cannot be read: %w", e.metaErr)
	case endpoint != "" && e.metadata.str(endpoint) == "":
		return fmt.Errorf("the metadata name no %s", endpoint)
	case client && e.Client.ID == "":
		return errNoClient
	case redirect && e.RedirectURI == "":
		return errNoRedirect
	case user && e.User == "":
		return errNoUser
	case user:
		return e.stopped
	}
	return nil
}
