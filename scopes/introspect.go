package scopes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// introspectAtOnce bounds the questions under way: tokens that somebody made up cost the issuer one each.
	introspectAtOnce = 64
	inactiveSize     = 1024 // tokens
	// maxRemembered bounds the bytes of a token and its answer that are remembered. Most have a quarter of it.
	maxRemembered = 4 << 10
)

// IntrospectOptions tune Introspect.
type IntrospectOptions struct {
	// ClientID and ClientSecret are those of a client that may introspect: grantd client add --introspect. Required.
	ClientID, ClientSecret string
	// CacheFor is for how long an answer counts, from when the issuer was asked, and so how late a revocation is
	// noticed. Zero means 5 seconds, negative that each request puts a question of its own: what was revoked before
	// it began is refused.
	CacheFor time.Duration
	// CacheSize is how many active tokens are remembered. Zero means 8192.
	CacheSize int
	// Leeway is how far the clocks of issuer and service may be apart. Zero means 60 seconds.
	Leeway time.Duration
	// Transport makes the requests, for private certificate authorities and proxies. Nil means
	// http.DefaultTransport.
	Transport http.RoundTripper
	// OnError hears of each new reason why the issuer cannot be asked. It must not block. Nil means that nobody
	// hears of it but the client that gets a 503.
	OnError func(error)
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
}

// Introspector asks the issuer about each token (RFC 7662), whatever its format. Several goroutines may share one. It is
// for tokens that are no JWTs, and for issuers that publish no list of revocations. Otherwise a Verifier of Discover
// serves better: it is faster, works while the issuer is away, and notices a revocation as soon, within 5 seconds. Only
// with a negative CacheFor does an Introspector notice it at once; each request then waits for the issuer.
type Introspector struct {
	options  IntrospectOptions
	expected expected
	provider *provider
	turns    chan struct{}
	asking   flights
	active   *cache[introspected]
	inactive *cache[introspected] // of its own: what somebody made up pushes out no active token
}

// introspected is an answer and until when it counts. No claims: the token is not active.
type introspected struct {
	claims *Claims
	until  time.Time
}

// Introspect makes an Introspector of the issuer with that URL, for tokens of that audience. It returns at once, finds
// the endpoint by the issuer's metadata as Discover does, and follows it until ctx ends. The error names all the options that are
// missing or wrong.
func Introspect(ctx context.Context, issuer, audience string, o IntrospectOptions) (*Introspector, error) {
	if err := o.check(issuer, audience); err != nil {
		return nil, err
	}
	if o.CacheFor == 0 {
		o.CacheFor = 5 * time.Second
	}
	if o.Leeway == 0 {
		o.Leeway = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	i := &Introspector{
		options: o, expected: expected{issuer: issuer, audience: audience, leeway: o.Leeway},
		provider: newProvider(issuer, o.Transport, o.OnError), turns: make(chan struct{}, introspectAtOnce),
		asking: flights{now: o.Now, share: o.CacheFor},
	}
	if o.CacheFor > 0 {
		i.active, i.inactive = newCache[introspected](o.CacheSize), newCache[introspected](inactiveSize)
	}
	go i.provider.run(ctx)
	return i, nil
}

func (o IntrospectOptions) check(issuer, audience string) error {
	problems := []error{checkIssuer(issuer)}
	if audience == "" {
		problems = append(problems, errNoAudience)
	}
	if o.ClientID == "" || o.ClientSecret == "" {
		problems = append(problems, errors.New("IntrospectOptions.ClientID or ClientSecret is empty: give those of a client that may introspect"))
	}
	if o.Leeway < 0 {
		problems = append(problems, errors.New("IntrospectOptions.Leeway is negative: leave it zero for 60 seconds"))
	}
	return errors.Join(problems...)
}

func (i *Introspector) audience() string { return i.expected.audience }
func (i *Introspector) issuer() string   { return i.expected.issuer }

// Verify gives the claims of a token that the issuer calls active. Claims that the issuer does not tell are left empty.
// Its error is an *Error; it never holds the token.
func (i *Introspector) Verify(ctx context.Context, token string) (*Claims, error) {
	if len(token) > MaxTokenBytes { // Before any work: the token comes from a stranger.
		return nil, malformed(fmt.Sprintf("the token is longer than %d bytes", MaxTokenBytes))
	}
	known, ok := i.recall(token)
	if !ok {
		var err error
		known, err = i.asking.do(ctx, token, func(ctx context.Context) (introspected, error) { return i.ask(ctx, token) })
		if err != nil {
			return nil, i.unavailable(err)
		}
	}
	if known.claims == nil {
		return nil, &Error{Kind: Inactive, Description: "the token is not active: it expired, was revoked or was never issued; get a new one"}
	}
	if err := i.expected.judge(known.claims, i.options.Now()); err != nil {
		return nil, err
	}
	return known.claims.share(), nil
}

// recall gives the answer that still counts. An old one that the token was active does not hide that it no longer is.
func (i *Introspector) recall(token string) (introspected, bool) {
	now := i.options.Now()
	for _, from := range [...]*cache[introspected]{i.active, i.inactive} {
		if known, ok := from.get(token); ok && now.Before(known.until) {
			return known, true
		}
	}
	return introspected{}, false
}

// remember: RFC 7662 §4: an answer that is kept is kept shortly, and no longer than the token lives (judge sees to it).
// A long answer is not kept: what an issuer says of a token has no bound but maxIntrospection.
func (i *Introspector) remember(token string, a introspected) {
	into := i.active
	if a.claims == nil {
		into = i.inactive
	}
	if len(token)+a.size() <= maxRemembered {
		into.put(token, a, a.until, i.options.Now())
	}
}

// size is about that of the answer in memory.
func (a introspected) size() int {
	const member = 32 // bytes that a string of a list takes beside its letters
	if a.claims == nil {
		return 0
	}
	return len(a.claims.Payload) + member*(len(a.claims.Audience)+len(a.claims.Scope))
}

// ask waits for its turn, then puts one question to the issuer.
func (i *Introspector) ask(ctx context.Context, token string) (introspected, error) {
	select {
	case i.turns <- struct{}{}:
		defer func() { <-i.turns }()
	case <-ctx.Done():
		return introspected{}, context.Cause(ctx)
	case <-time.After(patience):
		return introspected{}, errManyWait
	}
	a := introspected{until: i.options.Now().Add(i.options.CacheFor)} // of the moment before the answer is made
	var err error
	a.claims, err = i.question(ctx, token)
	if ctx.Err() != nil { // all who asked have gone; the issuer is not to blame
		return a, context.Cause(ctx)
	}
	if i.provider.complaints.about("introspection", err); err != nil {
		i.provider.doubt() // the endpoint may have moved
		return a, err
	}
	i.remember(token, a)
	return a, nil
}

func (i *Introspector) unavailable(err error) error {
	return &Error{Kind: Unavailable, Description: "the issuer cannot be asked about the token now; try again", Cause: err}
}
