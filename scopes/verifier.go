package scopes

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MaxTokenBytes is the length in bytes of the longest token that Verify reads.
const MaxTokenBytes = 8192

// VerifierOptions say what a Verifier accepts.
type VerifierOptions struct {
	// Issuer is the only accepted claim iss, compared byte by byte. Required.
	Issuer string
	// Audience names this service; the claim aud must have it. Required.
	Audience string
	// Keys finds the issuer's keys. Required.
	Keys KeySource
	// Leeway is how far the clocks of issuer and service may be apart. Zero means 60 seconds.
	Leeway time.Duration
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
	// Revoked is asked last, about a token that is valid otherwise. An error says that nobody can tell
	// now: the token is refused as RevocationsUnavailable. Nil means that nothing is revoked.
	Revoked func(context.Context, *Claims) (bool, error)
}

// Verifier validates JWT access tokens offline (RFC 9068 §4). Several goroutines may share one.
type Verifier struct {
	options   VerifierOptions
	parser    *jwt.Parser
	validator *jwt.Validator
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
	return &Verifier{
		options: o,
		parser: jwt.NewParser(
			jwt.WithValidMethods(algorithms), // RFC 9068 §2.1: none is not among them
			jwt.WithStrictDecoding(),
			jwt.WithoutClaimsValidation(), // done by the validator, once the claims are known to be there
		),
		validator: jwt.NewValidator(
			jwt.WithIssuer(o.Issuer),
			jwt.WithAudience(o.Audience),
			jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(),
			jwt.WithLeeway(o.Leeway),
			jwt.WithTimeFunc(o.Now),
		),
	}, nil
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

// Verify gives the claims of a valid access token. Its error is an *Error; it never holds the token.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	p, err := v.open(ctx, token)
	if err != nil {
		return nil, err
	}
	claims, err := p.claims()
	if err != nil {
		return nil, err
	}
	if err := v.validator.Validate(p); err != nil {
		return nil, v.refusal(claims, err)
	}
	// Last, for it may cost a lookup and only a token that opens something needs revoking.
	return v.unlessRevoked(ctx, claims)
}

func (v *Verifier) unlessRevoked(ctx context.Context, claims *Claims) (*Claims, error) {
	if v.options.Revoked == nil {
		return claims, nil
	}
	revoked, err := v.options.Revoked(ctx, claims)
	switch {
	case err != nil:
		return nil, &Error{Kind: RevocationsUnavailable, Description: "whether the token was revoked cannot be told now; try again", Cause: err}
	case revoked:
		return nil, &Error{Kind: Revoked, Description: "the token was revoked; get a new one"}
	}
	return claims, nil
}

// open reads the token and checks its header and signature.
func (v *Verifier) open(ctx context.Context, token string) (*payload, error) {
	if len(token) > MaxTokenBytes { // Before any work: the token comes from a stranger.
		return nil, malformed(fmt.Sprintf("the token is longer than %d bytes", MaxTokenBytes))
	}
	if strings.ContainsAny(token, "\r\n") { // encoding/base64 would pass over them
		return nil, malformed("the token has a line break")
	}
	p := new(payload)
	_, err := v.parser.ParseWithClaims(token, p, func(t *jwt.Token) (any, error) { return v.key(ctx, t) })
	if err != nil {
		return nil, parseError(err)
	}
	return p, nil
}

// key finds the key that the header names, and holds the token to the algorithm of that key.
func (v *Verifier) key(ctx context.Context, t *jwt.Token) (any, error) {
	kid, err := readHeader(t)
	if err != nil {
		return nil, err
	}
	key, err := v.options.Keys.Key(ctx, kid)
	if err != nil {
		return nil, keyError(err)
	}
	if key.Alg != t.Method.Alg() { // RFC 8725 §3.1: a key and its algorithm go together.
		return nil, &Error{Kind: BadSignature, Description: "the token is not signed with the algorithm of the key it names"}
	}
	return key.Key, nil
}

// readHeader checks the JOSE header, all but alg, and gives its kid.
func readHeader(t *jwt.Token) (kid string, err error) {
	if err := checkNames(t); err != nil {
		return "", err
	}
	// RFC 9068 §4: typ is at+jwt or application/at+jwt; RFC 7515 §4.1.9: a media type, letter case ignored.
	typ, _ := t.Header["typ"].(string)
	if typ = strings.ToLower(typ); typ != "at+jwt" && typ != "application/at+jwt" {
		return "", &Error{Kind: WrongType, Description: "the token is no access token: its header must say typ at+jwt"}
	}
	kid, _ = t.Header["kid"].(string)
	if kid == "" {
		return "", malformed("the header of the token names no key (kid)")
	}
	return kid, nil
}

func checkNames(t *jwt.Token) error {
	// RFC 8725 §3.10: a key or an address of keys that the token brings along is the attacker's. RFC 7515
	// §4.1.11: crit lists extensions that MUST be understood; there are none here.
	for _, name := range [...]string{"jwk", "jku", "x5u", "x5c", "crit"} {
		if _, ok := t.Header[name]; ok {
			return malformed("the header of the token has " + name + ", which is not accepted")
		}
	}
	raw, _, _ := strings.Cut(t.Raw, ".")
	header, err := base64.RawURLEncoding.DecodeString(raw)
	if err != nil || members(header) != len(t.Header) { // RFC 7515 §4: names MUST be unique.
		return malformed("a header parameter of the token is there twice")
	}
	return nil
}

func keyError(err error) error {
	if known := (*Error)(nil); errors.As(err, &known) {
		return known
	}
	return &Error{
		Kind:        KeysUnavailable,
		Description: "the keys that verify access tokens cannot be had at the moment; try again later",
		Cause:       err,
	}
}

// parseError sorts the errors of golang-jwt. Their texts do not repeat the token.
func parseError(err error) error {
	var ours *Error
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.Is(err, jwt.ErrTokenMalformed):
		return &Error{Kind: Malformed, Description: "the token is not a JWT; send the access token unchanged", Cause: err}
	}
	return &Error{
		Kind:        BadSignature,
		Description: "the signature of the token is wrong or its algorithm is not accepted; send the access token unchanged",
		Cause:       err,
	}
}

// refusal sorts the errors of the claims validator; of several, the one that no newer token would cure comes first.
func (v *Verifier) refusal(c *Claims, err error) error {
	switch {
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return &Error{Kind: WrongIssuer, Description: fmt.Sprintf("the token is from the issuer %q; this service accepts those of %q",
			clip(c.Issuer), v.options.Issuer)}
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return &Error{Kind: WrongAudience, Description: fmt.Sprintf("the token is not for this service; ask for one with the audience %q",
			v.options.Audience)}
	case errors.Is(err, jwt.ErrTokenExpired):
		return &Error{Kind: Expired, Description: "the token expired at " + c.ExpiresAt.UTC().Format(time.RFC3339) + "; get a new one"}
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return &Error{Kind: NotYetValid, Description: "the token is not valid yet; compare the clocks of the issuer and this service"}
	}
	return &Error{Kind: Malformed, Description: "the claims of the token are malformed", Cause: err}
}
