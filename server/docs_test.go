package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
)

func TestOpenAPIDescribesWhatIsServed(t *testing.T) {
	s := newSystem(t)
	doc := s.get("/openapi.json")
	doc.wantOK(t)
	paths := doc.JSON["paths"].(map[string]any)
	for path, operations := range paths {
		for method := range operations.(map[string]any) {
			if res := s.send(strings.ToUpper(method), path, ""); res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusMethodNotAllowed {
				t.Errorf("%s %s is described and answers %d", method, path, res.StatusCode)
			}
		}
	}
	described := doc.JSON["components"].(map[string]any)["securitySchemes"].(map[string]any)["OAuth2PasswordBearer"].(map[string]any)["flows"].(map[string]any)["password"].(map[string]any)
	if described["tokenUrl"] != s.opts.Issuer+"/token" || len(described["scopes"].(map[string]any)) != len(s.opts.Scopes)+len(server.IdentityScopes()) {
		t.Errorf("the password flow is described as %v", described)
	}
}

// The description asks for the scopes that the challenge of each route names.
func TestOpenAPINamesTheScopes(t *testing.T) {
	s := newSystem(t)
	for path, operations := range s.get("/openapi.json").JSON["paths"].(map[string]any) {
		for method, operation := range operations.(map[string]any) {
			challenge := s.send(strings.ToUpper(method), path, "").Header.Get("WWW-Authenticate")
			_, rest, _ := strings.Cut(challenge, `scope="`)
			needed, _, _ := strings.Cut(rest, `"`)
			described, guarded := []string{}, false
			for _, way := range operation.(map[string]any)["security"].([]any) {
				names, is := way.(map[string]any)["OAuth2PasswordBearer"]
				if guarded = guarded || is; is {
					described = list(t, names)
				}
			}
			if guarded != strings.HasPrefix(challenge, "Bearer") || strings.Join(described, " ") != needed {
				t.Errorf("%s %s is described with %q, its challenge is %s", method, path, described, challenge)
			}
		}
	}
}

// pagePaths begin the paths of pages, their forms and their files: for people, not for programs.
var pagePaths = []string{"/docs/", "/assets/", "/authorize", "/login", "/signup", "/consent", "/account"}

// Every route of the server has an operation in the description.
func TestOpenAPILeavesNothingOut(t *testing.T) {
	s := newSystem(t)
	paths := s.get("/openapi.json").JSON["paths"].(map[string]any)
	for route := range s.srv.RouteTable() {
		method, path, _ := strings.Cut(route, " ")
		if slices.ContainsFunc(pagePaths, func(page string) bool { return strings.HasPrefix(path, page) }) {
			continue
		}
		operations, _ := paths[path].(map[string]any)
		if operations[strings.ToLower(method)] == nil {
			t.Errorf("%s is served and not described", route)
		}
	}
}

func TestOpenAPIFollowsTheSettings(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.Signup, o.Resources = false, false })
	paths := s.get("/openapi.json").JSON["paths"].(map[string]any)
	for _, path := range []string{"/users/", "/users/me/", "/status/", "/.well-known/oauth-protected-resource"} {
		if paths[path] != nil {
			t.Errorf("%s is off and described", path)
		}
	}
}

func TestDocsPage(t *testing.T) {
	s := newSystem(t)
	page := s.get("/docs")
	page.wantOK(t)
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "script-src 'unsafe-inline'") {
		t.Errorf("policy %q", policy)
	}
	for _, name := range []string{"init.js", "swagger-ui.css", "swagger-ui-bundle.js"} {
		if !strings.Contains(page.body, "/docs/"+name) {
			t.Errorf("the page does not load %s", name)
		}
		res := s.get("/docs/"+name, header("Accept-Encoding", "gzip"))
		res.wantOK(t)
		if !slices.Contains([]string{"text/javascript; charset=utf-8", "text/css; charset=utf-8"}, res.Header.Get("Content-Type")) {
			t.Errorf("%s is %s", name, res.Header.Get("Content-Type"))
		}
	}
}
