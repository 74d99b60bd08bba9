// Package resource is the built-in resource router: a resource service like any
// other, which validates tokens with the scopes package and keeps its rows in
// the store. It knows nothing of the authorization server around it.
package resource

import (
	"context"
	"net/http"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// Options say how the router works. Fields without a comment on their zero value
// are required.
type Options struct {
	DB *store.DB
	// Owner finds the user who granted a token. Nil means that the row is read each time: only
	// who hears at once that a user is disabled or gone may remember one.
	Owner func(ctx context.Context, c *scopes.Claims) (store.User, error)
	// Verifier checks tokens, which are from Issuer.
	Verifier scopes.TokenVerifier
	Issuer   string
	// URL is where apps reach the routes, without a trailing slash (RFC 9728 §1.2).
	URL string
	// Signup opens POST /users/.
	Signup bool
	// CheckPassword says what is wrong with a new password.
	CheckPassword func(password string) error
	// HashPassword makes the hash that is stored.
	HashPassword func(ctx context.Context, password string) (string, error)
	Version      string
	// DemoApp is the URL of an app that the start page shows. Empty means there is none.
	DemoApp string
	Now     func() time.Time
	// Fail answers a request that met a fault, such as a database that is gone.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
	// Admitted hears whose token opened a route, Refused why a request was turned away.
	Admitted func(r *http.Request, c *scopes.Claims)
	Refused  func(r *http.Request, code string, why reason.Word, err error)
	// Added hears of a user who signed up, before they are answered.
	Added func(ctx context.Context, u store.User)
	// TokenRefused hears of tokens that are refused, and of requests without one. Nil means Refused does.
	TokenRefused func(r *http.Request, e *scopes.Error)
	// Members gives what else the body of a refusal has, which Refused heard of just before. Nil means nothing.
	Members func(r *http.Request) map[string]any
}

// router answers the routes.
type router struct {
	Options
	table []scopes.Route
}

// New makes the table of URLs and what each of them needs.
func New(o Options) *scopes.Resource {
	rt := &router{Options: o}
	if rt.Owner == nil {
		rt.Owner = func(ctx context.Context, c *scopes.Claims) (store.User, error) { return o.DB.User(ctx, c.Subject) }
	}
	if rt.TokenRefused == nil {
		rt.TokenRefused = func(r *http.Request, e *scopes.Error) { o.Refused(r, e.Code(), reason.OfToken(e), e) }
	}
	rt.table = rt.routes()
	return &scopes.Resource{
		Guard: scopes.Guard{
			Verifier: o.Verifier, Realm: "grantd", ResourceMetadata: rt.metadataURL(),
			Refused: rt.TokenRefused,
			Members: func(r *http.Request, _ *scopes.Error) map[string]any { return rt.members(r) },
		},
		URL: o.URL, Name: "grantd resource router", AuthorizationServers: []string{o.Issuer}, Routes: rt.table,
	}
}

func (rt *router) routes() []scopes.Route {
	routes := []scopes.Route{
		rt.route("GET", "/", scopes.Open(), rt.home),
		rt.route("GET", "/status/", scopes.AllOf(), rt.status),
		rt.route("GET", "/users/me/", scopes.AllOf("me"), rt.owned(rt.me)),
		rt.route("GET", "/users/me/items/", scopes.AllOf("me", "items"), rt.owned(rt.items)),
		rt.route("POST", "/users/me/items/", scopes.AllOf("me", "items:write"), rt.owned(rt.addItem)),
	}
	if rt.Signup {
		routes = append(routes, rt.route("POST", "/users/", scopes.Open(), rt.signup))
	}
	return routes
}

// endpoint answers a request or returns why not.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// route makes an endpoint a handler, which is the only place that answers with an
// error, besides the guard in front.
func (rt *router) route(method, path string, needs scopes.Needs, h endpoint) scopes.Route {
	return scopes.Route{Method: method, Path: path, Needs: needs, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if claims, ok := scopes.FromContext(r.Context()); ok {
				rt.Admitted(r, claims)
			}
			if err := h(w, r); err != nil {
				rt.writeError(w, r, err)
			}
		})}
}

// metadataURL stands below the URL, where whatever brings requests to the routes
// brings it, too.
func (rt *router) metadataURL() string { return rt.URL + "/.well-known/oauth-protected-resource" }

// status answers GET /status/: the token is valid, whatever its scope.
func (rt *router) status(w http.ResponseWriter, _ *http.Request) error {
	writeBody(w, http.StatusOK, statusOK)
	return nil
}

var statusOK = []byte(`{"status":"ok"}` + "\n")
