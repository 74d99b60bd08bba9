package server

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/resource"
)

// handler answers a request or returns why not; writeError words the refusal.
type handler func(w http.ResponseWriter, r *http.Request) error

// urls is the table of URLs while it is made.
type urls struct {
	*mux.Router
	prefix string // the path of the issuer
	known  routeTable
}

// routeTable has "GET /path" for every route that is served.
type routeTable map[string]bool

// routes is the only table of URLs.
func (s *Server) routes() urls {
	table := urls{mux.NewRouter().SkipClean(true).UseEncodedPath(), s.prefix, routeTable{}}
	table.serve("POST", "/token", s.api(s.token))
	table.serve("POST", "/refresh", s.api(s.refresh))
	table.serve("POST", "/revoke", s.api(s.revoke))
	table.serve("POST", "/introspect", s.api(s.introspect))

	table.serve("GET", "/.well-known/jwks.json", s.public(s.jwks))
	table.wellKnown("oauth-authorization-server", s.public(document(s.serverMetadata())))
	if s.Resources {
		table.wellKnown("oauth-protected-resource", s.public(document(s.resourceMetadata())))
		for _, route := range s.resources().Routes() {
			table.serve(route.Method, route.Path, route.Handler)
		}
	}
	table.serve("GET", "/docs", s.api(s.docs))
	for _, name := range docsAssets {
		table.serve("GET", "/docs/"+name, s.api(s.docsAsset(name)))
	}
	table.known["GET /openapi.json"] = true // it describes itself
	table.serve("GET", "/openapi.json", s.public(document(s.openAPI(table.known))))

	table.NotFoundHandler = s.api(func(http.ResponseWriter, *http.Request) error {
		return &Error{Code: notFound, Hint: "there is nothing at this path", Status: http.StatusNotFound}
	})
	table.MethodNotAllowedHandler = s.api(s.wrongMethod(table.Router))
	return table
}

// serve answers path with and without its trailing slash: a redirect would lose
// the body of a POST in some clients.
func (u urls) serve(method, path string, h http.Handler) {
	u.known[method+" "+path] = true
	methods := []string{method}
	if method == http.MethodGet {
		methods = append(methods, http.MethodHead)
	}
	bare := strings.TrimSuffix(path, "/")
	for _, p := range []string{u.prefix + bare, u.prefix + bare + "/"} {
		if p != "" {
			u.Path(p).Methods(methods...).Handler(named(path, h))
		}
	}
}

// wellKnown serves a metadata document below the issuer's path and, as RFC 8414
// §3.1 and RFC 9728 §3.1 have it, with the issuer's path behind the name.
func (u urls) wellKnown(name string, h http.Handler) {
	path := "/.well-known/" + name
	u.serve("GET", path, h)
	if u.prefix != "" {
		u.Path(path+u.prefix).Methods("GET", "HEAD").Handler(named(path, h))
	}
}

// named tells the log which route a request took.
func named(path string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recordOf(r.Context()).route = path
		h.ServeHTTP(w, r)
	})
}

// api is the surface of programs: JSON, errors as RFC 6749 §5.2 has them, nothing kept.
func (s *Server) api(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.writeError(w, r, err)
		}
	})
}

// public is the surface of documents that anybody may read and keep, scripts of
// other origins included.
func (s *Server) public(h handler) http.Handler {
	return s.api(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		return h(w, r)
	})
}

// wrongMethod names the methods that the path has (RFC 9110 §15.5.6).
func (s *Server) wrongMethod(router *mux.Router) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var allowed []string
		for _, method := range []string{"GET", "HEAD", "POST"} {
			try := r.Clone(r.Context())
			try.Method = method
			var match mux.RouteMatch
			if router.Match(try, &match) && match.MatchErr == nil {
				allowed = append(allowed, method)
			}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return &Error{Code: methodNotAllowed, Hint: "use " + strings.Join(allowed, " or "), Status: http.StatusMethodNotAllowed}
	}
}

func (s *Server) resources() *resource.Router {
	return resource.New(resource.Options{
		DB: s.DB,
		Guard: &scopes.Guard{
			Verifier: s.verifier, Realm: "grantd", ResourceMetadata: s.url("/.well-known/oauth-protected-resource"),
			Refused: func(r *http.Request, e *scopes.Error) { recordOf(r.Context()).refused(string(e.Kind), e) },
		},
		Signup: s.Signup, CheckPassword: CheckNewPassword, HashPassword: s.HashNewPassword,
		BaseURL: s.url(""), Version: s.Version, Now: s.Now, Fail: s.writeError,
		Admitted: func(r *http.Request, c *scopes.Claims) { recordOf(r.Context()).client = c.ClientID },
		Refused:  func(r *http.Request, code string, err error) { recordOf(r.Context()).refused(code, err) },
	})
}
