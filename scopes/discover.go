package scopes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// DiscoverOptions tune Discover. The zero value is ready to use.
type DiscoverOptions struct {
	// Leeway, CacheSize and Now are those of VerifierOptions. A Leeway above two minutes is refused, unless
	// RevocationOptions.Off: a revocation leaves the issuer's list two minutes after the token has expired, and a
	// service that took the token for longer would take it again.
	Leeway    time.Duration
	CacheSize int
	Now       func() time.Time
	// Refresh is that of JWKSOptions.
	Refresh time.Duration
	// Revocations say how the issuer's list of revocations is followed.
	Revocations RevocationOptions
	// Transport makes all requests, for private certificate authorities and proxies. Nil means
	// http.DefaultTransport.
	Transport http.RoundTripper
	// OnError hears of what cannot be fetched or used, of the same fault once and not of its end, from one goroutine at a time. It must
	// not block. Nil means that nobody hears of it but the client that gets a 503.
	OnError func(error)
}

// Discover is the Verifier for an issuer of which the URL is known and nothing else: the addresses of its keys and its
// list of revocations are in its metadata, which RFC 8414 or OpenID Connect Discovery say how to find. The issuer is an
// https URL (http on loopback only), exactly as it stands in the claim iss; the audience is the name of this service
// in the claim aud. The error is about the arguments alone.
//
// It returns at once and fetches in the background until ctx ends, which is for as long as the service runs and not for its
// start alone: later nothing is known of new keys and revocations, and tokens are refused. So a service can start before its issuer. Until then
// tokens are refused as KeysUnavailable, which a Guard answers with 503; the Cause says what is missing. To wait, use
// Ready. Keys are followed as JWKS does. The metadata is looked at again each hour, and when something that it names
// cannot be fetched.
//
// What RevocationOptions say holds where the metadata names a list (revocation_list_uri, as grantd's does). Of an issuer
// without one, tokens count until they expire.
func Discover(ctx context.Context, issuer, audience string, o DiscoverOptions) (*Verifier, error) {
	if err := o.check(issuer, audience); err != nil {
		return nil, err
	}
	p := newProvider(issuer, o.Transport, o.OnError)
	s := &service{provider: p, keys: newRemoteKeys(p.fetch, p.complaints, o.Refresh)}
	s.keys.locate, s.keys.failed = s.jwksURL, p.doubt
	options := VerifierOptions{
		Issuer: issuer, Audience: audience, Keys: s.keys, Leeway: o.Leeway, CacheSize: o.CacheSize, Now: o.Now,
	}
	if !o.Revocations.Off {
		s.feed = newRevocationFeed(p, s.keys, o.Revocations)
		options.Revoked = s.feed.revoked
	}
	v, err := NewVerifier(options)
	if err != nil {
		return nil, err
	}
	v.ready = s.ready
	s.follow(ctx, v)
	return v, nil
}

func (o DiscoverOptions) check(issuer, audience string) error {
	problems := []error{checkIssuer(issuer), checkRefresh("DiscoverOptions", o.Refresh), o.Revocations.check()}
	if audience == "" {
		problems = append(problems, errNoAudience)
	}
	if o.Leeway < 0 {
		problems = append(problems, errors.New("DiscoverOptions.Leeway is negative: leave it zero for 60 seconds"))
	}
	if o.Leeway > longestLeeway && !o.Revocations.Off {
		problems = append(problems, fmt.Errorf("DiscoverOptions.Leeway is %v: give at most %v, for so long the issuer lists a revoked token that has expired; or leave it zero for 60 seconds", o.Leeway, longestLeeway))
	}
	return errors.Join(problems...)
}

// service is what is followed of one issuer.
type service struct {
	provider *provider
	keys     *remoteKeys
	feed     *revocationFeed // nil when RevocationOptions.Off
}

func (s *service) follow(ctx context.Context, v *Verifier) {
	s.provider.heard, s.keys.heard = s.moved, s.back
	go s.provider.run(ctx)
	go s.keys.run(ctx)
	if s.feed != nil {
		s.feed.verifier = v
		go s.feed.run(ctx)
	}
}

// moved has the keys fetched when their address is news, however long ago that failed. The list is asked for soon anyway.
func (s *service) moved(before, after *outcome[heldMetadata]) {
	was, is := before.value.document, after.value.document
	if is != nil && (was == nil || was.jwksURI != is.jwksURI) {
		s.keys.wake()
	}
}

// back has the list asked for when there are keys again, without which it could not be checked.
func (s *service) back(before, after *outcome[heldKeys]) {
	if s.feed != nil && before.err != nil && after.err == nil {
		s.feed.wake()
	}
}

func (s *service) jwksURL(ctx context.Context) (string, error) {
	m, err := s.provider.metadata(ctx)
	if err != nil {
		return "", err
	}
	if m.jwksURI == "" {
		err = fmt.Errorf("the metadata of %s names no jwks_uri", s.provider.issuer)
	}
	s.provider.complaints.about("jwks_uri", err)
	return m.jwksURI, err
}

// Ready waits until all that is needed to judge tokens is there: for a Verifier of Discover the metadata, at least
// one key and a list of revocations that is new enough, where the issuer has one. Another Verifier is always ready. When
// ctx ends before, the error is that of ctx, with what was wrong at last. It is fit for start-up and for probes of
// readiness: where nothing is missing, it returns at once.
func (v *Verifier) Ready(ctx context.Context) error {
	if v.ready == nil {
		return nil
	}
	return v.ready(ctx)
}

func (s *service) ready(ctx context.Context) error {
	for {
		select {
		case <-s.provider.done:
			return errStopped
		default:
		}
		metadata, keys := s.provider.last.Load(), s.keys.last.Load()
		missing := s.missing(metadata, keys)
		var list <-chan struct{}
		if missing == nil {
			if s.feed == nil {
				return nil
			}
			last := s.feed.last.Load()
			if missing = s.feed.doubt(last); missing == nil {
				return nil
			}
			list = last.next
		}
		select {
		case <-metadata.next:
		case <-keys.next:
		case <-list:
		case <-s.provider.done:
			return errStopped
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", missing, context.Cause(ctx))
		}
	}
}

// missing is what keeps tokens from being verified; nil when nothing does.
func (s *service) missing(metadata *outcome[heldMetadata], keys *outcome[heldKeys]) error {
	switch {
	case len(keys.value.keys) > 0:
		return nil
	case metadata.at.IsZero():
		return errors.New("the metadata was not fetched yet")
	case metadata.value.document == nil:
		return metadata.err
	case keys.at.IsZero():
		return errors.New("the keys were not fetched yet")
	case keys.err != nil:
		return keys.err
	}
	return errors.New("the issuer has no key that verifies access tokens")
}
