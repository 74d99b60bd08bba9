package server_test

import (
	"encoding/json"
	"maps"
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
	if !strings.Contains(doc.body, "Tick scopes, or the token may do nothing.") {
		t.Error("who is about to ask for a token without scopes is not told")
	}
	for name, flow := range openAPIFlows(t, s) {
		if flow["tokenUrl"] != s.opts.Issuer+"/token" || len(flow["scopes"].(map[string]any)) != len(s.opts.Scopes)+len(server.IdentityScopes()) {
			t.Errorf("the flow %s is described as %v", name, flow)
		}
	}
	if url := openAPIFlows(t, s)["authorizationCode"]["authorizationUrl"]; url != s.opts.Issuer+"/authorize" {
		t.Errorf("the code flow begins at %v", url)
	}
}

// openAPIFlows are the flows that the Authorize button of Swagger UI offers.
func openAPIFlows(t *testing.T, s *system) map[string]map[string]any {
	t.Helper()
	var doc struct {
		Components struct {
			SecuritySchemes struct {
				OAuth2PasswordBearer struct{ Flows map[string]map[string]any }
			}
		}
	}
	if err := json.Unmarshal([]byte(s.get("/openapi.json").body), &doc); err != nil {
		t.Fatal(err)
	}
	flows := doc.Components.SecuritySchemes.OAuth2PasswordBearer.Flows
	if names := slices.Sorted(maps.Keys(flows)); !slices.Equal(names, []string{"authorizationCode", "password"}) {
		t.Fatalf("flows %q", names)
	}
	return flows
}

// Whoever tries the authorization request out starts from one that the default client may make.
func TestOpenAPIFillsTheAuthorizationRequest(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.DefaultClient = "app" })
	found := map[string]any{}
	get := s.get("/openapi.json").JSON["paths"].(map[string]any)["/authorize"].(map[string]any)["get"].(map[string]any)
	for _, p := range get["parameters"].([]any) {
		found[p.(map[string]any)["name"].(string)] = p.(map[string]any)["schema"].(map[string]any)["example"]
	}
	if found["client_id"] != "app" || found["redirect_uri"] != s.opts.Issuer+"/docs/oauth2-redirect.html" {
		t.Errorf("the authorization request is filled with %v", found)
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

// Every route of the server has an operation in the description, besides pages and their files.
func TestOpenAPILeavesNothingOut(t *testing.T) {
	s := newSystem(t)
	paths := s.get("/openapi.json").JSON["paths"].(map[string]any)
	for route := range s.srv.RouteTable() {
		method, path, _ := strings.Cut(route, " ")
		if slices.ContainsFunc(server.Undescribed, func(page string) bool { return strings.HasPrefix(path, page) }) {
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

// The window in which the code flow ends runs one script, from a file.
func TestDocsRedirectPage(t *testing.T) {
	s := newSystem(t)
	page := s.get("/docs/oauth2-redirect.html?code=x&state=y")
	page.wantOK(t)
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'; script-src 'self'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if page.Header.Get("Referrer-Policy") != "no-referrer" || strings.Contains(page.body, "code=x") {
		t.Errorf("the code leaves the URL: %v %s", page.Header, page.body)
	}
	s.get("/docs/oauth2-redirect.js").wantOK(t)
}

func TestDocsPage(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.DefaultClient = `a"b` })
	page := s.get("/docs")
	page.wantOK(t)
	if !strings.Contains(page.body, `data-client="a&#34;b"`) {
		t.Errorf("the default client is not filled in: %s", page.body)
	}
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
