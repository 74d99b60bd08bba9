package scopes

import (
	"context"
	"errors"
	"slices"
	"time"
)

// MaxTokenBytes is the length in bytes of the longest token that Verify reads.
const MaxTokenBytes = 8192

// TokenVerifier is what a Guard asks about a token: a Verifier or an Introspector. Several goroutines may share one.
type TokenVerifier interface {
	// Verify gives the claims of a valid access token. Its error is an *Error; any other counts as a fault
	// that passes, and a Guard answers 503.
	Verify(ctx context.Context, token string) (*Claims, error)
}

// VerifierOptions say what a Verifier accepts.
type VerifierOptions struct {
	// Issuer is the only accepted claim iss, compared byte by byte. Required.
	Issuer string
	// Audience names this service; the claim aud must have it. Required.
	Audience string
	// OtherAudiences are further names that aud may have instead, for what serves several. Empty means none.
	OtherAudiences []string
	// Keys finds the issuer's keys. Required.
	Keys KeySource
	// Leeway is how far the clocks of issuer and service may be apart. Zero means 60 seconds.
	Leeway time.Duration
	// CacheSize is how many verified tokens are remembered, so that their signature is checked once. Zero
	// means 8192, which take about 25 MB where tokens are of usual size; negative means none.
	CacheSize int
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
	// Revoked is asked last, about a token that is valid otherwise, each time that it is used. An error says
	// that nobody can tell now: the token is refused as RevocationsUnavailable. Nil means that nothing is revoked.
	Revoked func(context.Context, *Claims) (bool, error)
}

// Verifier validates JWT access tokens offline (RFC 9068 §4). Several goroutines may share one.
type Verifier struct {
	options  VerifierOptions
	expected expected
	known    *cache[verified]
	ready    func(context.Context) error // of Discover; nil when there is nothing to wait for
}

// verified is a token whose signature was checked, and the key that it was checked with.
type verified struct {
	claims *Claims
	key    Key
}

// NewVerifier makes a Verifier. The error names all the options that are missing or wrong.
func NewVerifier(o VerifierOptions) (*Verifier, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Leeway == 0 {
		o.Leeway = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Verifier{options: o, expected: expected{o.Issuer, o.Audience, o.Leeway, slices.Clone(o.OtherAudiences)}, known: newCache[verified](o.CacheSize)}, nil
}

func (o VerifierOptions) check() error {
	var problems []error
	if o.Issuer == "" {
		problems = append(problems, errors.New("VerifierOptions.Issuer is empty: give the issuer of the authorization server"))
	}
	if o.Audience == "" {
		problems = append(problems, errors.New("VerifierOptions.Audience is empty: give the name that tokens for this service carry in aud"))
	}
	if o.Keys == nil {
		problems = append(problems, errors.New("VerifierOptions.Keys is nil: give JWKS, ParseJWKS or StaticKeys"))
	}
	if o.Leeway < 0 {
		problems = append(problems, errors.New("VerifierOptions.Leeway is negative: leave it zero for 60 seconds"))
	}
	return errors.Join(problems...)
}

func (v *Verifier) audience() string { return v.expected.audience }
func (v *Verifier) issuer() string   { return v.expected.issuer }

// Verify gives the claims of a valid access token. Its error is an *Error; it never holds the token.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	t, again := v.known.get(token)
	if again {
		again = v.stillSigned(ctx, t.key)
	}
	if !again {
		var err error
		if t, err = v.read(ctx, token); err != nil {
			return nil, err
		}
	}
	if err := v.admit(ctx, t.claims); err != nil {
		return nil, v.expected.about(t.claims, err)
	}
	if !again { // Only now: what is refused is not worth a place.
		v.known.put(token, t, t.claims.ExpiresAt, v.options.Now())
	}
	return t.claims.share(), nil
}

// read checks all of a token that does not change with time.
func (v *Verifier) read(ctx context.Context, token string) (verified, error) {
	payload, key, err := v.open(ctx, token, accessToken)
	if err != nil {
		return verified{}, err
	}
	claims, err := readClaims(payload)
	if err != nil {
		return verified{}, err
	}
	return verified{claims, key}, nil
}

// stillSigned is whether the issuer still has the key that a known token was checked with. If not, the token is read
// anew, which says what is wrong.
func (v *Verifier) stillSigned(ctx context.Context, k Key) bool {
	now, err := v.options.Keys.Key(ctx, k.ID)
	return err == nil && now.equal(k)
}

// admit checks what changes with time, of tokens seen before, too.
func (v *Verifier) admit(ctx context.Context, c *Claims) *Error {
	if err := v.expected.judge(c, v.options.Now()); err != nil {
		return err
	}
	// Last, for it may cost a lookup and only a token that opens something needs revoking.
	return v.unlessRevoked(ctx, c)
}

func (v *Verifier) unlessRevoked(ctx context.Context, c *Claims) *Error {
	if v.options.Revoked == nil {
		return nil
	}
	revoked, err := v.options.Revoked(ctx, c)
	switch {
	case err != nil:
		return &Error{Kind: RevocationsUnavailable, Description: "whether the token was revoked cannot be told now; try again", Cause: err}
	case revoked:
		return &Error{Kind: Revoked, Description: "the token was revoked; get a new one"}
	}
	return nil
}
