package scopes

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Route is one URL of a Resource and what it needs.
type Route struct {
	Method, Path string
	// Needs is what the Guard asks for. The zero value asks for any valid token; Open() for none.
	Needs Needs
	// Handler answers those who are let in. Required.
	Handler http.Handler
}

// Resource is a protected resource (RFC 9728): a table of routes from which the guards, their challenges and the
// metadata are made, so that they cannot disagree.
type Resource struct {
	// Guard checks the tokens. Where its ResourceMetadata is empty, it is the URL of the metadata that Mount
	// mounts.
	Guard Guard
	// URL identifies the resource (RFC 9728 §1.2): the https URL (http on loopback only) under which apps reach
	// it. Empty means the audience of the Guard's Verifier.
	URL string
	// Name is for people to read. Empty leaves it out.
	Name string
	// AuthorizationServers are the issuers whose tokens open the resource. Nil means the issuer of the Guard's
	// Verifier.
	AuthorizationServers []string
	// Routes are all URLs of the resource. Required.
	Routes []Route
}

// Metadata is the document of RFC 9728 §2.
type Metadata struct {
	Resource             string   `json:"resource"`
	ResourceName         string   `json:"resource_name,omitempty"`
	AuthorizationServers []string `json:"authorization_servers"`
	ScopesSupported      []string `json:"scopes_supported,omitempty"`
	BearerMethods        []string `json:"bearer_methods_supported"`
}

const wellKnownResource = "/.well-known/oauth-protected-resource"

// Mount calls handle for every route, with the Guard around its handler, and for the metadata, which anybody may read.
// The error names all that is wrong with the table; then nothing is mounted.
//
//	err := api.Mount(func(method, path string, h http.Handler) { mux.Handle(method+" "+path, h) })     // http.ServeMux
//	err := api.Mount(func(method, path string, h http.Handler) { mux.Handle(path, h).Methods(method) }) // gorilla/mux
//	err := api.Mount(mux.Method)                                                                       // chi
func (r *Resource) Mount(handle func(method, path string, h http.Handler)) error {
	if r.Guard.Verifier == nil {
		return errors.New("Resource.Guard has no Verifier: make one with Discover")
	}
	path, metadataURL, err := r.metadataURL()
	if err := errors.Join(err, r.checkRoutes(path)); err != nil {
		return err
	}
	guard := r.Guard
	if guard.ResourceMetadata == "" {
		guard.ResourceMetadata = metadataURL
	}
	for _, route := range r.Routes {
		handle(route.Method, route.Path, guard.middleware(route.Needs)(route.Handler))
	}
	handle(http.MethodGet, path, serveMetadata(r.Metadata()))
	return nil
}

// Metadata describes the resource as its table of routes has it.
func (r *Resource) Metadata() Metadata {
	m := Metadata{
		Resource: r.identifier(), ResourceName: r.Name, AuthorizationServers: r.AuthorizationServers,
		BearerMethods: []string{"header"}, // RFC 6750 §2.1 only
	}
	if ours, ok := r.Guard.Verifier.(verifies); ok && m.AuthorizationServers == nil {
		m.AuthorizationServers = []string{ours.issuer()}
	}
	for _, route := range r.Routes {
		m.ScopesSupported = append(m.ScopesSupported, route.Needs.all().Minus(m.ScopesSupported)...)
	}
	return m
}

func (r *Resource) identifier() string {
	if ours, ok := r.Guard.Verifier.(verifies); ok && r.URL == "" {
		return ours.audience()
	}
	return r.URL
}

// metadataURL: RFC 9728 §3.1: the well-known name stands between the host and the path of the resource.
func (r *Resource) metadataURL() (path, full string, err error) {
	id := r.identifier()
	u, err := url.Parse(id)
	if err != nil || u.Host == "" || u.Fragment != "" || u.RawQuery != "" || u.User != nil || !secure(u) { // §1.2
		return "", "", fmt.Errorf("Resource.URL %q: give the https URL of the resource, without query and fragment (http is for loopback addresses only)", clip(id))
	}
	path = wellKnownResource + strings.TrimSuffix(u.EscapedPath(), "/")
	return path, u.Scheme + "://" + u.Host + path, nil
}

func secure(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func (r *Resource) checkRoutes(metadata string) error {
	var problems []error
	seen := map[string]bool{http.MethodGet + " " + metadata: true}
	for _, route := range r.Routes {
		name := route.Method + " " + route.Path
		switch {
		case route.Method == "" || !strings.HasPrefix(route.Path, "/"):
			problems = append(problems, fmt.Errorf("route %q: give a method, and a path that begins with /", name))
		case route.Handler == nil:
			problems = append(problems, fmt.Errorf("route %q has no Handler", name))
		case seen[name]:
			problems = append(problems, fmt.Errorf("route %q is there twice", name))
		}
		seen[name] = true
	}
	if len(r.Routes) == 0 {
		problems = append(problems, errors.New("Resource.Routes is empty: give every URL of the service"))
	}
	return errors.Join(problems...)
}

// serveMetadata answers with a document that scripts of any origin may read, and that may be kept for an hour.
func serveMetadata(m Metadata) http.Handler {
	text, _ := json.Marshal(m) // strings cannot fail
	sum := sha256.Sum256(text)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, max-age=3600")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("ETag", etag)
		http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(text))
	})
}
