package scopes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	introspectTimeout = 5 * time.Second
	// introspectAtOnce bounds the questions under way: tokens that somebody made up cost the issuer one each.
	introspectAtOnce = 64
	maxIntrospection = 64 << 10 // bytes
	inactiveSize     = 1024     // tokens
)

// IntrospectOptions tune Introspect.
type IntrospectOptions struct {
	// ClientID and ClientSecret are those of a client that may introspect: grantd client add --introspect. Required.
	ClientID, ClientSecret string
	// CacheFor is for how long an answer counts, and so how late a revocation is noticed. Zero means 5 seconds,
	// negative that every request asks the issuer.
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
// slower than a Verifier, and every request needs the issuer; it is for tokens that are no JWTs, and for services that
// must know of a revocation at once.
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
		options: o, expected: expected{issuer, audience, o.Leeway},
		provider: newProvider(issuer, o.Transport, o.OnError), turns: make(chan struct{}, introspectAtOnce),
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
		// Many requests with one token are one question. Who leaves does not stop it for the others.
		if known, err = i.asking.do(ctx, token, func() (introspected, error) { return i.ask(context.WithoutCancel(ctx), token) }); err != nil {
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

func (i *Introspector) recall(token string) (introspected, bool) {
	known, ok := i.active.get(token)
	if !ok {
		known, ok = i.inactive.get(token)
	}
	return known, ok && i.options.Now().Before(known.until)
}

// remember: RFC 7662 §4: an answer that is kept is kept shortly, and no longer than the token lives (judge sees to it).
func (i *Introspector) remember(token string, a introspected) {
	into := i.active
	if a.claims == nil {
		into = i.inactive
	}
	into.put(token, a, a.until, i.options.Now())
}

// ask puts one question to the issuer.
func (i *Introspector) ask(ctx context.Context, token string) (introspected, error) {
	select {
	case i.turns <- struct{}{}:
		defer func() { <-i.turns }()
	case <-time.After(patience):
		return introspected{}, errors.New("too many tokens wait for the issuer's answer")
	}
	ctx, cancel := context.WithTimeout(ctx, introspectTimeout)
	defer cancel()
	a := introspected{until: i.options.Now().Add(i.options.CacheFor)} // of the moment before the answer is made
	body, err := i.post(ctx, token)
	if err == nil {
		a.claims, err = readIntrospection(body, i.expected.issuer)
	}
	if i.provider.complaints.about("introspection", err); err != nil {
		i.provider.doubt() // the endpoint may have moved
		return a, err
	}
	i.remember(token, a)
	return a, nil
}

func (i *Introspector) post(ctx context.Context, token string) ([]byte, error) {
	req, err := i.request(ctx, token)
	if err != nil {
		return nil, err
	}
	resp, err := i.provider.fetch.client.Do(req)
	if err != nil {
		return nil, shortened{err}
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden: // RFC 7662 §2.3
		return nil, fmt.Errorf("%s answers %d: the client %q is unknown, has another secret or may not introspect", req.URL, resp.StatusCode, i.options.ClientID)
	default:
		return nil, &statusError{req.URL.String(), resp.StatusCode}
	}
	body, err := readBody(resp, maxIntrospection)
	if err != nil {
		return nil, fmt.Errorf("%s %w", req.URL, err)
	}
	return body, nil
}

// request is the question of RFC 7662 §2.1.
func (i *Introspector) request(ctx context.Context, token string) (*http.Request, error) {
	m, err := i.provider.metadata(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.checkAddress("introspection_endpoint", m.introspectionEndpoint); err != nil {
		return nil, fmt.Errorf("the metadata of %s: %w", i.provider.issuer, err)
	}
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	// RFC 8414 §2: what is left out is client_secret_basic.
	methods := m.introspectionAuthMethods
	basic := methods == nil || slices.Contains(methods, "client_secret_basic")
	if !basic {
		form.Set("client_id", i.options.ClientID)
		form.Set("client_secret", i.options.ClientSecret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.introspectionEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if basic { // RFC 6749 §2.3.1: both halves are form-encoded first.
		req.SetBasicAuth(url.QueryEscape(i.options.ClientID), url.QueryEscape(i.options.ClientSecret))
	}
	return req, nil
}

func (i *Introspector) unavailable(err error) error {
	return &Error{Kind: Unavailable, Description: "the issuer cannot be asked about the token now; try again", Cause: err}
}

// readIntrospection reads an answer of RFC 7662 §2.2. No claims and no error: the token is not active.
func readIntrospection(body []byte, issuer string) (*Claims, error) {
	c := &Claims{Payload: body, Issuer: issuer} // iss is OPTIONAL: it is he who answers
	active, bearer, told := false, true, false
	err := eachMember(body, func(name string, value []byte) error {
		switch name {
		case "active":
			active, told = string(value) == "true", string(value) == "true" || string(value) == "false"
			return nil
		case "token_type":
			kind, ok := text(value)
			bearer = ok && strings.EqualFold(kind, "Bearer") // RFC 6749 §7.1; not a refresh token
			return nil
		}
		return c.set(name, value)
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer of the introspection endpoint cannot be read: %w", err)
	case !told: // RFC 7662 §2.2: REQUIRED
		return nil, errors.New(`the answer of the introspection endpoint has no member "active" that is true or false`)
	case !active || !bearer:
		return nil, nil
	}
	return c, nil
}
