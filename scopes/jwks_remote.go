package scopes

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	defaultRefresh = 5 * time.Minute
	// soonest is how soon keys are fetched again on behalf of Cache-Control: an issuer that says max-age=0 means
	// caches, and must not be asked all the time.
	soonest = time.Minute
)

// JWKSOptions tune JWKS. The zero value is ready to use.
type JWKSOptions struct {
	// Refresh is how often the key set is fetched anew, at least; the max-age of the answer (RFC 9111 §5.2.2.1)
	// may make it sooner, down to a minute. Zero means 5 minutes.
	Refresh time.Duration
	// Transport makes the requests, for private certificate authorities and proxies. Nil means
	// http.DefaultTransport.
	Transport http.RoundTripper
	// OnError hears of fetches that fail and of members of the set that cannot be used, of the same fault once. It
	// must not block. Nil means that nobody hears of it but the client that gets a 503.
	OnError func(error)
}

// JWKS is a KeySource that follows the JWK set at an https URL (http on loopback only). It returns at once
// and fetches in the background until ctx ends, which is for as long as the service runs: soon after, Key fails. So a service can start before its issuer: until the first
// fetch succeeds Key fails and a Guard answers 503. The last good keys stay in use while the issuer is down. An
// unknown key id causes a fetch at most every 30 seconds, and Key waits for one 3 seconds at most. The members used are
// those of ParseJWKS. A set of more than 1 MiB or more than 100 members is refused.
func JWKS(ctx context.Context, url string, o JWKSOptions) (KeySource, error) {
	if err := checkURL("JWKS", url); err != nil {
		return nil, err
	}
	if err := checkRefresh("JWKSOptions", o.Refresh); err != nil {
		return nil, err
	}
	s := newRemoteKeys(newFetcher(o.Transport), newComplaints(o.OnError), o.Refresh)
	s.locate = func(context.Context) (string, error) { return url, nil }
	s.failed = func() {}
	go s.run(ctx)
	return s, nil
}

// checkRefresh: who asks for less than a second forgot the unit of the number.
func checkRefresh(options string, refresh time.Duration) error {
	if refresh != 0 && refresh < time.Second {
		return fmt.Errorf("%s.Refresh is %v: give at least a second, or leave it zero for 5 minutes", options, refresh)
	}
	return nil
}

// remoteKeys is the KeySource of JWKS and Discover.
type remoteKeys struct {
	follower[heldKeys]
	fetch      *fetcher
	complaints *complaints
	refresh    time.Duration
	locate     func(context.Context) (url string, err error)
	failed     func() // hears of each fetch that failed
}

type heldKeys struct {
	keys      keySet
	validator validator
}

func newRemoteKeys(f *fetcher, c *complaints, refresh time.Duration) *remoteKeys {
	if refresh == 0 {
		refresh = defaultRefresh
	}
	s := &remoteKeys{fetch: f, complaints: c, refresh: refresh}
	s.init()
	s.get = s.look
	return s
}

// Key implements KeySource.
func (s *remoteKeys) Key(ctx context.Context, kid string) (Key, error) {
	last := s.last.Load()
	if k, ok := last.value.keys[kid]; ok {
		return k, s.abandoned(last)
	}
	if s.ask(last) { // The key may be newer than our copy of the set.
		var err error
		if last, err = s.newer(ctx, last); err != nil {
			return Key{}, err
		}
		if k, ok := last.value.keys[kid]; ok {
			return k, nil
		}
	}
	if last.err != nil { // Without the current set nobody can say that the key is unknown.
		return Key{}, last.err
	}
	return Key{}, ErrUnknownKey
}

// abandoned: when nobody looks for newer keys any more, those that are there do not count for ever.
func (s *remoteKeys) abandoned(last *outcome[heldKeys]) error {
	select {
	case <-s.done:
		if time.Since(last.at) > 2*s.refresh {
			return errStopped
		}
	default:
	}
	return nil
}

// refetch asks for the set again, for a key that the issuer itself has named: not for strangers, who may make up one
// after another and are held to askGap. It reports whether there is a newer outcome.
func (s *remoteKeys) refetch(ctx context.Context) bool {
	last := s.last.Load()
	if time.Since(last.at) < time.Second {
		return false
	}
	s.wake()
	_, err := s.newer(ctx, last)
	return err == nil
}

// look fetches the set once.
func (s *remoteKeys) look(ctx context.Context, held heldKeys) (heldKeys, time.Duration, error) {
	url, err := s.locate(ctx)
	if err != nil {
		return held, s.refresh, err // who locates complains
	}
	next, wait, err := s.download(ctx, url, held)
	if ctx.Err() == nil {
		s.complaints.about("keys", err)
	}
	if err != nil {
		s.failed()
	}
	return next, wait, err
}

func (s *remoteKeys) download(ctx context.Context, url string, held heldKeys) (heldKeys, time.Duration, error) {
	a, err := s.fetch.get(ctx, url, jwksDocument, held.validator)
	if err != nil {
		return held, s.refresh, fmt.Errorf("fetch keys: %w", err)
	}
	if a.unchanged {
		return held, s.interval(a), nil
	}
	keys, skipped, err := readJWKS(a.body)
	if err != nil {
		return held, s.refresh, fmt.Errorf("keys of %s: %w", url, err)
	}
	if len(skipped) > 0 {
		err = fmt.Errorf("keys of %s: passed over: %w", url, joinSome(skipped))
	}
	s.complaints.about("members", err)
	return heldKeys{keys.keeping(held.keys), a.validator}, s.interval(a), nil
}

// interval is at four fifths of the time that the issuer gives (RFC 9111 §5.2.2.1), so that his caches need not
// answer with what is stale.
func (s *remoteKeys) interval(a *answer) time.Duration {
	if a.lifetime < 0 {
		return s.refresh
	}
	return min(s.refresh, max(a.lifetime*4/5, soonest))
}

// keeping gives the set, which nobody else has yet, with the keys that old has, too, as old has them: then what was
// found out about a token with a key stays true as long as the key is the same one.
func (s keySet) keeping(old keySet) keySet {
	for id, k := range s {
		if before, ok := old[id]; ok && before.equal(k) {
			s[id] = before
		}
	}
	return s
}
