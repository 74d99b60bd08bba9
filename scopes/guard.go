package scopes

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Guard enforces scopes in front of handlers.
type Guard struct {
	// Verifier checks the tokens. Required.
	Verifier *Verifier
	// Realm is the realm of the challenges. Empty means the audience of the Verifier.
	Realm string
	// ResourceMetadata is the URL of this resource's metadata (RFC 9728 §5.1). Empty leaves it out.
	ResourceMetadata string
	// Refused hears of each request that is turned away, before the reply. Nil means that nobody does.
	Refused func(*http.Request, *Error)
}

// Require is middleware for net/http and gorilla/mux: it lets a request pass whose bearer token is valid and
// has all these scopes, and gives the handler the Claims through FromContext. Without names any valid token
// will do. What is refused gets the status and challenge of RFC 6750 §3. A name outside the grammar of RFC
// 6749 §3.3 or a Guard without Verifier is a mistake of the program: Require panics.
func (g *Guard) Require(names ...string) func(http.Handler) http.Handler {
	rt := g.route(names)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			claims, err := rt.admit(r)
			if err != nil {
				rt.refuse(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(NewContext(r.Context(), claims)))
		})
	}
}

// route is what Require knows before the first request.
type route struct {
	guard     Guard
	need      Set
	challenge Challenge
	plain     string // challenge as text: no error code, the commonest refusal
}

func (g *Guard) route(names []string) *route {
	if g.Verifier == nil {
		panic("scopes: Guard.Verifier is nil: make one with NewVerifier")
	}
	rt := &route{guard: *g}
	for _, name := range names {
		if err := checkName(name); err != nil {
			panic(fmt.Sprintf("scopes: Require(%q): %v", names, err))
		}
		if !rt.need.Has(name) {
			rt.need = append(rt.need, name)
		}
	}
	rt.challenge = Challenge{Realm: g.Realm, Scope: rt.need, ResourceMetadata: g.ResourceMetadata}
	if g.Realm == "" {
		rt.challenge.Realm = g.Verifier.options.Audience
	}
	rt.plain = rt.challenge.String()
	return rt
}

func (rt *route) admit(r *http.Request) (*Claims, error) {
	token, err := BearerToken(r)
	if err != nil {
		return nil, err
	}
	claims, err := rt.guard.Verifier.Verify(r.Context(), token)
	if err != nil {
		return nil, err
	}
	if lacking := rt.need.Minus(claims.Scope); len(lacking) > 0 {
		return nil, &Error{Kind: Insufficient, Description: "the token lacks the scope " + lacking.String() + "; ask for it when you get a token"}
	}
	return claims, nil
}

// refuse writes the one reply that RFC 6750 §3 and §3.1 have for the error.
func (rt *route) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := err.(*Error) // as BearerToken and Verify promise
	if rt.guard.Refused != nil {
		rt.guard.Refused(r, e)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if e.Temporary() {
		h.Set("Retry-After", "5") // no challenge: other credentials would not help
	} else {
		h.Set("WWW-Authenticate", rt.challengeFor(e))
	}
	w.WriteHeader(e.Status())
	_, _ = w.Write(body(e)) // a client that has gone cannot be told
}

func (rt *route) challengeFor(e *Error) string {
	if e.Kind == Missing {
		return rt.plain // RFC 6750 §3.1: no authentication information, no error code
	}
	c := rt.challenge
	c.Error, c.ErrorDescription = e.Code(), e.Description
	return c.String()
}

func body(e *Error) []byte {
	text, _ := json.Marshal(struct { // two strings cannot fail
		Error            string `json:"error"`
		ErrorDescription string `json:"error_description"`
	}{e.Code(), describable(e.Description)})
	return append(text, '\n')
}

type claimsKey struct{}

// FromContext gives the claims that Require verified, to a handler behind it.
func FromContext(ctx context.Context) (*Claims, bool) {
	claims, ok := ctx.Value(claimsKey{}).(*Claims)
	return claims, ok
}

// NewContext is ctx with claims for FromContext: for tests of handlers, and for middleware that verifies
// tokens in a way of its own.
func NewContext(ctx context.Context, claims *Claims) context.Context {
	return context.WithValue(ctx, claimsKey{}, claims)
}
