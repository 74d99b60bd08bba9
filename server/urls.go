package server

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/mux"
	"github.com/grantd/grantd/server/reason"
)

// urls is the table of URLs.
type urls struct {
	*mux.Router
	prefix  string // the path of the URL under which apps reach them
	known   routeTable
	matched map[target]http.Handler // what the router has for them
}

// target is what the router goes by. A path stands for itself in a URL: nothing in it
// is encoded.
type target struct{ method, path string }

// routeTable has "GET /path" for every route that is served.
type routeTable map[string]bool

// newURLs is a table that answers what is not in it with 404 or 405.
func (f *frame) newURLs(prefix string) urls {
	table := urls{mux.NewRouter().SkipClean(true).UseEncodedPath(), prefix, routeTable{}, map[target]http.Handler{}}
	table.NotFoundHandler = f.api(nothingThere)
	table.MethodNotAllowedHandler = f.api(wrongMethod(table.Router))
	return table
}

func nothingThere(http.ResponseWriter, *http.Request) error {
	return &Error{Reason: reason.PathUnknown, Code: notFound, Hint: "there is nothing at this path", Status: http.StatusNotFound}
}

// serve answers path with and without its trailing slash: a redirect would lose
// the body of a POST in some clients.
func (u urls) serve(method, path string, h http.Handler) {
	u.known[method+" "+path] = true
	u.mount(withHead([]string{method}), path, h, u.paths(path)...)
}

// mount serves the route of that name at paths of this host.
func (u urls) mount(methods []string, name string, h http.Handler, paths ...string) {
	for _, p := range paths {
		if p == "" {
			continue
		}
		u.Path(p).Methods(methods...).Handler(named(name, h))
		for _, method := range methods {
			u.remember(target{method, p})
		}
	}
}

// remember asks the router for a target that was just added, once for all: it walks
// all routes with a regular expression for each.
func (u urls) remember(t target) {
	var match mux.RouteMatch
	r := &http.Request{Method: t.method, URL: &url.URL{Path: t.path}}
	if r.URL.EscapedPath() == t.path && u.Match(r, &match) && match.MatchErr == nil && len(match.Vars) == 0 {
		u.matched[t] = match.Handler
	}
}

// ServeHTTP answers as the router does, which judges all that it was not asked before.
func (u urls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.RawPath == "" { // else the path has something encoded, and is not what it looks like
		if h, ok := u.matched[target{r.Method, r.URL.Path}]; ok {
			h.ServeHTTP(w, r)
			return
		}
	}
	u.Router.ServeHTTP(w, r)
}

// paths are those at which a path below the issuer's is served.
func (u urls) paths(path string) []string {
	bare := u.prefix + strings.TrimSuffix(path, "/")
	return []string{bare, bare + "/"}
}

// withHead puts HEAD behind GET (RFC 9110 §9.3.2).
func withHead(methods []string) (all []string) {
	for _, m := range methods {
		if all = append(all, m); m == http.MethodGet {
			all = append(all, http.MethodHead)
		}
	}
	return all
}

// wellKnown serves a metadata document below the issuer's path and, as RFC 8414
// §3.1 and RFC 9728 §3.1 have it, with the issuer's path behind the name.
func (u urls) wellKnown(name string, h http.Handler) {
	path := "/.well-known/" + name
	u.serve("GET", path, h)
	if u.prefix != "" {
		u.mount(withHead([]string{http.MethodGet}), path, h, path+u.prefix)
	}
}

// named tells the log which route a request took.
func named(path string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recordOf(r.Context()).route = path
		h.ServeHTTP(w, r)
	})
}

// wrongMethod names the methods that the path has (RFC 9110 §15.5.6).
func wrongMethod(router *mux.Router) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var allowed []string
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS"} {
			try := r.Clone(r.Context())
			try.Method = method
			var match mux.RouteMatch
			if router.Match(try, &match) && match.MatchErr == nil {
				allowed = append(allowed, method)
			}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return &Error{Reason: reason.MethodWrong, Code: methodNotAllowed, Hint: "use " + strings.Join(allowed, " or "), Status: http.StatusMethodNotAllowed,
			Cause: errors.New("the method is " + methodOf(r))}
	}
}
