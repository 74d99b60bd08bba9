package resource

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

//go:embed home.html
var homeHTML string

// homePolicy lets the page use its own style, and an empty icon, which keeps browsers
// from asking for /favicon.ico, and nothing else.
var homePolicy = "default-src 'none'; style-src '" + styleHash(homeHTML) + "'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func styleHash(page string) string {
	_, rest, _ := strings.Cut(page, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

var homePage = template.Must(template.New("home").Parse(homeHTML))

// home answers GET /: a page for people, JSON for programs.
func (rt *router) home(w http.ResponseWriter, r *http.Request) error {
	about := map[string]any{
		"name":              "grantd",
		"version":           rt.Version,
		"issuer":            rt.Issuer,
		"docs":              rt.Issuer + "/docs",
		"metadata":          rt.Issuer + "/.well-known/oauth-authorization-server",
		"jwks_uri":          rt.Issuer + "/.well-known/jwks.json",
		"resource_metadata": rt.metadataURL(),
		"routes":            rt.guardedRoutes(),
	}
	if rt.DemoApp != "" {
		about["demo_app"] = rt.DemoApp
	}
	w.Header().Set("Vary", "Accept")
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return writeJSON(w, http.StatusOK, about)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", homePolicy)
	h.Set("Cache-Control", "no-cache")
	h.Set("Referrer-Policy", "no-referrer")
	return homePage.Execute(w, about)
}

// guardedRoute is a route that needs a token.
type guardedRoute struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Scope  string `json:"scope"` // that the token needs
}

func (rt *router) guardedRoutes() []guardedRoute {
	var guarded []guardedRoute
	for _, route := range rt.table {
		if !route.Needs.IsOpen() {
			guarded = append(guarded, guardedRoute{route.Method, route.Path, route.Needs.Scope().String()})
		}
	}
	return guarded
}
