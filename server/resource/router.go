// Package resource is the built-in resource router: a resource service like any
// other, which validates tokens with the scopes package and keeps its rows in
// the store. It knows nothing of the authorization server around it.
package resource

import (
	"context"
	"net/http"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// Options say how a Router works. Fields without a comment on their zero value
// are required.
type Options struct {
	DB    *store.DB
	Guard *scopes.Guard
	// Signup opens POST /users/.
	Signup bool
	// CheckPassword says what is wrong with a new password.
	CheckPassword func(password string) error
	// HashPassword makes the hash that is stored.
	HashPassword func(ctx context.Context, password string) (string, error)
	// BaseURL is put before paths in links, without a trailing slash.
	BaseURL string
	Version string
	Now     func() time.Time
	// Fail answers a request that met a fault, such as a database that is gone.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
	// Admitted hears whose token opened a route, Refused why a request was turned
	// away by other than the Guard.
	Admitted func(r *http.Request, c *scopes.Claims)
	Refused  func(r *http.Request, code string, err error)
}

// Router holds the routes of the resource service.
type Router struct{ Options }

// New makes a Router.
func New(o Options) *Router { return &Router{o} }

// Route is one URL with its guard around it.
type Route struct {
	Method, Path string
	// Scopes that a token needs. Open routes need no token at all.
	Scopes  []string
	Open    bool
	Handler http.Handler
}

// Routes is the table of URLs and what each of them needs.
func (rt *Router) Routes() []Route {
	routes := []Route{
		rt.open("GET", "/", rt.home),
		rt.guarded("GET", "/status/", rt.status),
		rt.owned("GET", "/users/me/", rt.me, "me"),
		rt.owned("GET", "/users/me/items/", rt.items, "me", "items"),
		rt.owned("POST", "/users/me/items/", rt.addItem, "me", "items:write"),
	}
	if rt.Signup {
		routes = append(routes, rt.open("POST", "/users/", rt.signup))
	}
	return routes
}

// endpoint answers a request or returns why not.
type endpoint func(w http.ResponseWriter, r *http.Request) error

func (rt *Router) open(method, path string, h endpoint) Route {
	return Route{Method: method, Path: path, Open: true, Handler: rt.answering(h)}
}

func (rt *Router) guarded(method, path string, h endpoint, names ...string) Route {
	return Route{Method: method, Path: path, Scopes: names, Handler: rt.Guard.Require(names...)(rt.answering(
		func(w http.ResponseWriter, r *http.Request) error {
			if claims, ok := scopes.FromContext(r.Context()); ok {
				rt.Admitted(r, claims)
			}
			return h(w, r)
		}))}
}

// answering makes an endpoint a handler. It is the only place that answers with
// an error, besides the guard in front.
func (rt *Router) answering(h endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			rt.writeError(w, r, err)
		}
	})
}

// status answers GET /status/: the token is valid, whatever its scope.
func (rt *Router) status(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}
