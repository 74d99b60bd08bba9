package scopes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	fetchTimeout  = 10 * time.Second
	maxJWKSBytes  = 1 << 20
	unknownKeyGap = 30 * time.Second // between fetches on behalf of unknown key ids, which anyone can make up
	firstRetry    = time.Second
	lastRetry     = 30 * time.Second
)

// JWKSOptions tune JWKS. The zero value is ready to use.
type JWKSOptions struct {
	// Refresh is how often the key set is fetched anew. Zero means 5 minutes.
	Refresh time.Duration
	// Transport makes the requests, for private certificate authorities and proxies. Nil means
	// http.DefaultTransport.
	Transport http.RoundTripper
	// OnError hears of each fetch that failed and of members of the set that cannot be used. It must not
	// block. Nil means that nobody hears of it but the client that gets a 503.
	OnError func(error)
}

// JWKS is a KeySource that follows the JWK set at an https URL (http on loopback only). It returns at once
// and fetches in the background until ctx ends, so a service can start before its issuer: until the first
// fetch succeeds Key fails and a Guard answers 503. The last good keys stay in use while the issuer is down. An
// unknown key id causes a fetch at most every 30 seconds. The members used are those of ParseJWKS.
func JWKS(ctx context.Context, url string, o JWKSOptions) (KeySource, error) {
	if err := checkURL(url); err != nil {
		return nil, err
	}
	if o.Refresh < 0 {
		return nil, errors.New("JWKSOptions.Refresh is negative: leave it zero for 5 minutes")
	}
	if o.Refresh == 0 {
		o.Refresh = 5 * time.Minute
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	s := &remoteKeys{url: url, options: o, client: newClient(o.Transport), turn: make(chan struct{}, 1)}
	s.last.Store(&fetched{})
	go s.run(ctx)
	return s, nil
}

// checkURL: RFC 8414 §2: the jwks_uri MUST use https. Who can change the keys can sign.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("JWKS: %w", err)
	}
	if u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())) {
		return nil
	}
	return fmt.Errorf("JWKS: %q: give an https URL (http is for loopback addresses only)", u.Redacted())
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// jwkset has an HTTP client of its own. It bounds no body, takes private and symmetric keys, drops the whole set for
// one malformed member and fetches for no unknown key id, so only its reading of a JWK is used (readJWK).
func newClient(t http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout:   fetchTimeout,
		Transport: t,
		// A redirect could lead from the issuer's https URL to anyone's.
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the JWKS URL redirects: configure the final URL")
		},
	}
}

type remoteKeys struct {
	url     string
	options JWKSOptions
	client  *http.Client
	turn    chan struct{} // held by the one goroutine that fetches
	last    atomic.Pointer[fetched]
}

// fetched is the outcome of one fetch. After a failure, keys are those of the fetch before.
type fetched struct {
	keys keySet
	err  error
	at   time.Time
}

// Key implements KeySource.
func (s *remoteKeys) Key(ctx context.Context, kid string) (Key, error) {
	if k, ok := s.last.Load().keys[kid]; ok {
		return k, nil
	}
	if err := s.catchUp(ctx); err != nil {
		return Key{}, err
	}
	last := s.last.Load()
	if k, ok := last.keys[kid]; ok {
		return k, nil
	}
	if last.err != nil { // Without the current set nobody can say that the key is unknown.
		return Key{}, last.err
	}
	return Key{}, ErrUnknownKey
}

// run keeps the set fresh until ctx ends. After failures it tries again sooner, then ever less often.
func (s *remoteKeys) run(ctx context.Context) {
	retry := firstRetry
	for s.begin(ctx) == nil {
		s.fetch(ctx)
		s.end()
		wait := s.options.Refresh
		if s.last.Load().err == nil {
			retry = firstRetry
		} else {
			wait = min(wait, retry)
			retry = min(2*retry, lastRetry)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// catchUp is for a key that may be newer than our copy of the set. Its error is that of ctx.
func (s *remoteKeys) catchUp(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if at := s.last.Load().at; at.IsZero() || time.Since(at) >= unknownKeyGap {
		// A client that hangs up must not spoil the fetch that others wait for: only fetchTimeout ends it.
		s.fetch(context.WithoutCancel(ctx))
	}
	return nil
}

func (s *remoteKeys) begin(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *remoteKeys) end() { <-s.turn }

// fetch is called between begin and end.
func (s *remoteKeys) fetch(ctx context.Context) {
	keys, err := s.get(ctx)
	if err != nil {
		s.options.OnError(err)
		keys = s.last.Load().keys
	}
	s.last.Store(&fetched{keys: keys, err: err, at: time.Now()})
}

func (s *remoteKeys) get(ctx context.Context) (keySet, error) {
	body, err := s.download(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	keys, skipped, err := readJWKS(body)
	if err != nil {
		return nil, fmt.Errorf("keys of %s: %w", s.url, err)
	}
	if len(skipped) > 0 {
		s.options.OnError(fmt.Errorf("keys of %s: passed over: %w", s.url, errors.Join(skipped...)))
	}
	return keys, nil
}

func (s *remoteKeys) download(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json") // RFC 7517 §8.5.2
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", s.url, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxJWKSBytes+1))
	if len(body) > maxJWKSBytes {
		return nil, fmt.Errorf("%s sends more than %d bytes", s.url, maxJWKSBytes)
	}
	return body, err
}
