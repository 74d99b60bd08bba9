package peers

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/auth0/go-jwt-middleware/v2/jwks"
	"github.com/auth0/go-jwt-middleware/v2/validator"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxt "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/grantd/grantd/scopes"
)

// accepted is what an API asks a token for.
type accepted struct {
	subject, scope string
	// typ is that of the header. Empty where the library does not give it.
	typ string
}

// verify validates a token.
type verify func(ctx context.Context, token string) (accepted, error)

// contender is a library, set up as its documentation advises an API that knows its issuer, its audience and
// the algorithm: keys from the issuer's JWKS, exp required where that can be asked for, a leeway of a minute
// where there is one.
type contender struct {
	name string
	open func(tb testing.TB, is *issuer, alg string) verify
}

var contenders = []contender{
	{"scopes", func(tb testing.TB, is *issuer, _ string) verify {
		return openScopes(tb, is, scopes.VerifierOptions{}).verify
	}},
	{"keyfunc", openKeyfunc},
	{"go-oidc", openOIDC},
	{"jwx", openJWX},
	{"auth0", openAuth0},
}

const leeway = time.Minute

// ours is package scopes. It checks all of RFC 9068 §4: nothing is left to do by hand.
type ours struct{ *scopes.Verifier }

func openScopes(tb testing.TB, is *issuer, o scopes.VerifierOptions) ours {
	o.Issuer, o.Audience = issuerURL, audience
	o.Keys = must(scopes.JWKS(tb.Context(), is.jwks, scopes.JWKSOptions{}))
	return ours{must(scopes.NewVerifier(o))}
}

func (v ours) verify(ctx context.Context, token string) (accepted, error) {
	claims, err := v.Verify(ctx, token)
	if err != nil {
		return accepted{}, err
	}
	return accepted{claims.Subject, claims.Scope.String(), "at+jwt"}, nil
}

// openKeyfunc: golang-jwt checks signature, algorithm, iss, aud, exp and iat; keyfunc holds the algorithm to
// that of the key. By hand: typ, for which the header is there.
func openKeyfunc(tb testing.TB, is *issuer, alg string) verify {
	keys := must(keyfunc.NewDefaultCtx(tb.Context(), []string{is.jwks}))
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{alg}), jwt.WithIssuer(issuerURL), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway),
	)
	return func(ctx context.Context, token string) (accepted, error) {
		var claims struct {
			jwt.RegisteredClaims
			Scope string `json:"scope"`
		}
		parsed, err := parser.ParseWithClaims(token, &claims, keys.KeyfuncCtx(ctx))
		if err != nil {
			return accepted{}, err
		}
		typ, _ := parsed.Header["typ"].(string)
		return accepted{claims.Subject, claims.Scope, typ}, nil
	}
}

// openOIDC: an IDTokenVerifier checks signature, algorithm, iss, aud and exp, without leeway. It is made for
// ID tokens; its documentation has no other advice for access tokens. By hand: typ, for which the header has
// to be decoded again.
func openOIDC(tb testing.TB, is *issuer, alg string) verify {
	verifier := oidc.NewVerifier(issuerURL, oidc.NewRemoteKeySet(tb.Context(), is.jwks),
		&oidc.Config{ClientID: audience, SupportedSigningAlgs: []string{alg}})
	return func(ctx context.Context, token string) (accepted, error) {
		parsed, err := verifier.Verify(ctx, token)
		if err != nil {
			return accepted{}, err
		}
		var claims struct {
			Scope string `json:"scope"`
		}
		if err := parsed.Claims(&claims); err != nil {
			return accepted{}, err
		}
		return accepted{subject: parsed.Subject, scope: claims.Scope}, nil
	}
}

// openJWX: jwt.Parse checks signature, iss, aud, exp, iat and nbf, and takes the algorithm of the key. By hand:
// typ, for which the header has to be decoded again.
func openJWX(tb testing.TB, is *issuer, _ string) verify {
	cache := must(jwk.NewCache(tb.Context(), httprc.NewClient()))
	// Fetched here and now: Register would wait for a fetch in the background.
	if err := cache.Register(tb.Context(), is.jwks, jwk.WithWaitReady(false)); err != nil {
		tb.Fatal(err)
	}
	must(cache.Refresh(tb.Context(), is.jwks))
	options := []jwxt.ParseOption{
		jwxt.WithKeySet(must(cache.CachedSet(is.jwks))), jwxt.WithIssuer(issuerURL), jwxt.WithAudience(audience),
		jwxt.WithRequiredClaim(jwxt.ExpirationKey), jwxt.WithAcceptableSkew(leeway),
	}
	return func(_ context.Context, token string) (accepted, error) {
		parsed, err := jwxt.ParseString(token, options...)
		if err != nil {
			return accepted{}, err
		}
		var a accepted
		a.subject, _ = parsed.Subject()
		_ = parsed.Get("scope", &a.scope) // none is no scope
		return a, nil
	}
}

// auth0Claims are the claims besides the registered ones.
type auth0Claims struct {
	Scope string `json:"scope"`
}

func (*auth0Claims) Validate(context.Context) error { return nil }

// openAuth0: the validator checks signature, algorithm, iss, aud, and exp, iat and nbf where they are there. By
// hand: typ, for which the header has to be decoded again.
func openAuth0(_ testing.TB, is *issuer, alg string) verify {
	keys := jwks.NewCachingProvider(must(url.Parse(issuerURL)), 5*time.Minute, jwks.WithCustomJWKSURI(must(url.Parse(is.jwks))))
	v := must(validator.New(keys.KeyFunc, validator.SignatureAlgorithm(alg), issuerURL, []string{audience},
		validator.WithCustomClaims(func() validator.CustomClaims { return new(auth0Claims) }),
		validator.WithAllowedClockSkew(leeway)))
	return func(ctx context.Context, token string) (accepted, error) {
		parsed, err := v.ValidateToken(ctx, token)
		if err != nil {
			return accepted{}, err
		}
		claims := parsed.(*validator.ValidatedClaims)
		return accepted{subject: claims.RegisteredClaims.Subject, scope: claims.CustomClaims.(*auth0Claims).Scope}, nil
	}
}

// checked is v and the check that each peer leaves to its user, RFC 9068 §4: typ is at+jwt.
func (v verify) checked(ctx context.Context, token string) (accepted, error) {
	a, err := v(ctx, token)
	if err != nil {
		return accepted{}, err
	}
	if a.typ == "" {
		if a.typ, err = readType(token); err != nil {
			return accepted{}, err
		}
	}
	if !strings.EqualFold(a.typ, "at+jwt") && !strings.EqualFold(a.typ, "application/at+jwt") {
		return accepted{}, errors.New("not an access token")
	}
	return a, nil
}

func readType(token string) (string, error) {
	encoded, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return "", err
	}
	var header struct {
		Type string `json:"typ"`
	}
	err = json.Unmarshal(text, &header)
	return header.Type, err
}
