package peers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

// middleware lets a request pass whose token is valid and has the scopes me and items.
type middleware struct {
	name string
	wrap func(tb testing.TB, is *issuer) func(http.Handler) http.Handler
}

var middlewares = []middleware{
	{"scopes", func(tb testing.TB, is *issuer) func(http.Handler) http.Handler {
		guard := scopes.Guard{Verifier: openScopes(tb, is, scopes.VerifierOptions{}).Verifier}
		return guard.Require("me", "items")
	}},
	{"keyfunc", byHand(openKeyfunc)},
	{"go-oidc", byHand(openOIDC)},
	{"jwx", byHand(openJWX)},
	{"auth0", auth0Middleware},
}

type contextKey struct{}

// byHand is the middleware that a service writes around a library that has none.
func byHand(open func(testing.TB, *issuer, string) verify) func(testing.TB, *issuer) func(http.Handler) http.Handler {
	return func(tb testing.TB, is *issuer) func(http.Handler) http.Handler {
		v := open(tb, is, token.ES256)
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				scheme, jwt, _ := strings.Cut(r.Header.Get("Authorization"), " ")
				if !strings.EqualFold(scheme, "Bearer") {
					refuse(w, http.StatusUnauthorized, "Bearer")
					return
				}
				a, err := v.checked(r.Context(), jwt)
				if err != nil {
					refuse(w, http.StatusUnauthorized, `Bearer error="invalid_token"`)
					return
				}
				if !hasScopes(a) {
					refuse(w, http.StatusForbidden, `Bearer error="insufficient_scope", scope="me items"`)
					return
				}
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, a)))
			})
		}
	}
}

// auth0Middleware is auth0's own. The handler behind it checks the scopes, as in its examples.
func auth0Middleware(tb testing.TB, is *issuer) func(http.Handler) http.Handler {
	v := openAuth0(tb, is, token.ES256)
	m := jwtmiddleware.New(func(ctx context.Context, jwt string) (any, error) { return v.checked(ctx, jwt) })
	return func(next http.Handler) http.Handler {
		return m.CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if a := r.Context().Value(jwtmiddleware.ContextKey{}).(accepted); !hasScopes(a) {
				refuse(w, http.StatusForbidden, `Bearer error="insufficient_scope", scope="me items"`)
				return
			}
			next.ServeHTTP(w, r)
		}))
	}
}

func hasScopes(a accepted) bool {
	granted := strings.Fields(a.scope)
	return slices.Contains(granted, "me") && slices.Contains(granted, "items")
}

func refuse(w http.ResponseWriter, status int, challenge string) {
	w.Header().Set("WWW-Authenticate", challenge)
	w.WriteHeader(status)
}

// reply keeps the status only, so that a benchmark measures nothing but the middleware.
type reply struct {
	header http.Header
	status int
}

func (r *reply) Header() http.Header         { return r.header }
func (r *reply) Write(p []byte) (int, error) { return len(p), nil }
func (r *reply) WriteHeader(status int)      { r.status = status }

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func request(jwt string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, audience+"/users/me/items/", nil)
	r.Header.Set("Authorization", "Bearer "+jwt)
	return r
}

func TestMiddlewares(t *testing.T) {
	is := newIssuer(t)
	for _, m := range middlewares {
		h := m.wrap(t, is)(http.HandlerFunc(noContent))
		for _, c := range []struct {
			name, jwt string
			want      int
		}{
			{"good", is.mint(token.ES256), http.StatusNoContent},
			{"tampered with", tamper(is.mint(token.ES256)), http.StatusUnauthorized},
			{"typ of an ID token", is.sign(edit(oddHeader, "at+jwt", "JWT"), oddClaims()), http.StatusUnauthorized},
			{"lacks a scope", is.mint(token.ES256, func(a *token.Access) { a.Scope = scopes.Set{"me"} }), http.StatusForbidden},
		} {
			t.Run(m.name+"/"+c.name, func(t *testing.T) {
				w := &reply{header: http.Header{}}
				h.ServeHTTP(w, request(c.jwt))
				if w.status != c.want {
					t.Errorf("status %d, want %d", w.status, c.want)
				}
			})
		}
	}
}

// BenchmarkMiddleware is a whole request, with a token that came before.
func BenchmarkMiddleware(b *testing.B) {
	is := newIssuer(b)
	for _, m := range middlewares {
		b.Run(m.name+"/"+token.ES256, func(b *testing.B) {
			h := m.wrap(b, is)(http.HandlerFunc(noContent))
			w, r := &reply{header: http.Header{}}, request(is.mint(token.ES256))
			serve := func(context.Context, string) error {
				w.status = 0
				h.ServeHTTP(w, r)
				if w.status != http.StatusNoContent {
					b.Fatalf("status %d", w.status)
				}
				return nil
			}
			bench(b, serve, "")
		})
	}
}
