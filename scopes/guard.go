package scopes

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
)

// Guard enforces scopes in front of handlers.
type Guard struct {
	// Verifier checks the tokens. Required.
	Verifier TokenVerifier
	// Realm is the realm of the challenges. Empty means the audience of a Verifier or Introspector.
	Realm string
	// ResourceMetadata is the URL of this resource's metadata (RFC 9728 §5.1). Empty leaves it out; Resource.Mount
	// knows it.
	ResourceMetadata string
	// Hierarchy says which scopes include others. Nil means that each stands for itself.
	Hierarchy Hierarchy
	// Refused hears of each request that is turned away, before the reply. Nil means that nobody does.
	Refused func(*http.Request, *Error)
	// Members gives the body of a refusal more members than error and error_description, such as an id of the request.
	// Nil means that there are none.
	Members func(*http.Request, *Error) map[string]any
}

// Require is middleware for net/http, gorilla/mux and chi: it lets a request pass whose bearer token is valid and
// has all these scopes, and gives the handler the Claims through FromContext. Without names any valid token
// will do. What is refused gets the status and challenge of RFC 6750 §3. A name outside the grammar of RFC
// 6749 §3.3 or a Guard without Verifier is a mistake of the program: Require panics.
func (g *Guard) Require(names ...string) func(http.Handler) http.Handler {
	return g.middleware(AllOf(names...))
}

// RequireAny is Require for a token with all the scopes of one of the alternatives, as AnyOf reads them:
// RequireAny("admin", "me items"). The challenge names the first.
func (g *Guard) RequireAny(alternatives ...string) func(http.Handler) http.Handler {
	return g.middleware(AnyOf(alternatives...))
}

func (g *Guard) middleware(needs Needs) func(http.Handler) http.Handler {
	if needs.open {
		return func(next http.Handler) http.Handler { return next }
	}
	p := g.post(needs)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			claims, err := p.admit(r)
			if err != nil {
				p.refuse(w, r, asError(err))
				return
			}
			next.ServeHTTP(w, r.WithContext(&admitted{r.Context(), claims, p}))
		})
	}
}

// post is what a Guard at one route knows before the first request.
type post struct {
	guard     Guard
	needs     Needs
	challenge Challenge
	plain     string // challenge as text: no error code, the commonest refusal
}

func (g *Guard) post(needs Needs) *post {
	if g.Verifier == nil {
		panic("scopes: Guard.Verifier is nil: make one with Discover")
	}
	p := &post{guard: *g, needs: needs}
	p.challenge = Challenge{Realm: g.realm(), Scope: needs.Scope(), ResourceMetadata: g.ResourceMetadata}
	p.plain = p.challenge.String()
	return p
}

func (g *Guard) realm() string {
	if ours, ok := g.Verifier.(verifies); ok && g.Realm == "" {
		return ours.audience()
	}
	return g.Realm
}

// verifies is what the verifiers of this package know of themselves.
type verifies interface {
	audience() string
	issuer() string
}

func (p *post) admit(r *http.Request) (*Claims, error) {
	token, err := BearerToken(r)
	if err != nil {
		return nil, err
	}
	claims, err := p.guard.Verifier.Verify(r.Context(), token)
	if err != nil {
		return nil, err
	}
	if claims == nil {
		return nil, errors.New("the TokenVerifier gave neither claims nor an error")
	}
	scope := claims.Scope
	if p.needs.met(scope) {
		return claims, nil
	}
	if p.guard.Hierarchy != nil {
		scope = p.guard.Hierarchy.Expand(scope)
	}
	if lacking := p.needs.lacking(scope); lacking != "" {
		return nil, &Error{Kind: Insufficient, Description: "the token lacks the scope " + lacking + "; ask for it when you get a token", Claims: claims}
	}
	return claims, nil
}

// refuse writes the one reply that RFC 6750 §3 and §3.1 have for the error.
func (p *post) refuse(w http.ResponseWriter, r *http.Request, e *Error) {
	if p.guard.Refused != nil {
		p.guard.Refused(r, e)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if e.Temporary() {
		h.Set("Retry-After", "5") // no challenge: other credentials would not help
	} else {
		h.Set("WWW-Authenticate", p.challengeFor(e))
	}
	w.WriteHeader(e.Status())
	_, _ = w.Write(p.body(r, e)) // a client that has gone cannot be told
}

func (p *post) challengeFor(e *Error) string {
	if e.Kind == Missing {
		return p.plain // RFC 6750 §3.1: no authentication information, no error code
	}
	c := p.challenge
	c.Error, c.ErrorDescription = e.Code(), e.Description
	return c.String()
}

func (p *post) body(r *http.Request, e *Error) []byte {
	members := map[string]any{}
	if p.guard.Members != nil {
		maps.Copy(members, p.guard.Members(r, e))
	}
	members["error"], members["error_description"] = e.Code(), describable(e.Description)
	text, err := json.Marshal(members)
	if err != nil { // of what Members gave; two strings cannot fail
		return []byte(`{"error":"` + e.Code() + `"}` + "\n")
	}
	return append(text, '\n')
}

// asError finds the refusal in err. Without one, a verifier of somebody else's failed: fail closed.
func asError(err error) *Error {
	if e := (*Error)(nil); errors.As(err, &e) && e != nil {
		return e
	}
	return &Error{Kind: Unavailable, Description: "the token cannot be checked now; try again", Cause: err}
}

// Refuse is for a handler behind Require that finds more against a token than its scope, such as that its user is gone:
// it answers as Require does, with the challenge of the route, and the Guard's Refused hears of it. Without a Guard in
// front the challenge tells the error alone.
func Refuse(w http.ResponseWriter, r *http.Request, e *Error) {
	p, ok := r.Context().Value(postKey{}).(*post)
	if !ok {
		p = &post{plain: Challenge{}.String()}
	}
	p.refuse(w, r, e)
}

type (
	claimsKey struct{}
	postKey   struct{}
)

// admitted is the context of a request that was let in.
type admitted struct {
	context.Context
	claims *Claims
	post   *post
}

// Value implements context.Context.
func (a *admitted) Value(key any) any {
	switch key.(type) {
	case claimsKey:
		return a.claims
	case postKey:
		return a.post
	}
	return a.Context.Value(key)
}

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
