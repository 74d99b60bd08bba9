package scopes_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/grantd/grantd/scopes"
)

// reports is a resource with every kind of need.
func reports(t testing.TB) scopes.Resource {
	return scopes.Resource{
		Guard: scopes.Guard{Verifier: newVerifier(t, options())},
		Name:  "Reports",
		Routes: []scopes.Route{
			{Method: "GET", Path: "/reports", Needs: scopes.AnyOf("admin", "me items"), Handler: whoami},
			{Method: "POST", Path: "/reports", Needs: scopes.AllOf("me", "items:write"), Handler: whoami},
			{Method: "GET", Path: "/status", Handler: whoami},
			{Method: "GET", Path: "/about", Needs: scopes.Open(), Handler: ok},
		},
	}
}

// Every router that people use gets the same answers from one table.
func TestResourceMount(t *testing.T) {
	const at = `resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`
	for name, router := range routers(t, reports(t)) {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(router)
			defer server.Close()
			for _, c := range []struct {
				name, method, path, scope string
				status                    int
				challenge                 string // a part
			}{
				{"9728-5.1 no token", "GET", "/reports", "-", 401, `Bearer realm="https://api.example.com", scope="admin", ` + at},
				{"first alternative", "GET", "/reports", "admin", 200, ""},
				{"second alternative", "GET", "/reports", "items me", 200, ""},
				{"6750-3.1 half an alternative", "GET", "/reports", "items", 403, `lacks the scope admin; or me; ask for it when you get a token", scope="admin", ` + at},
				{"6750-3.1 one of two", "POST", "/reports", "me items", 403, `lacks the scope items:write; ask for it when you get a token", scope="me items:write", ` + at},
				{"both", "POST", "/reports", "items:write me", 200, ""},
				{"any token", "GET", "/status", "", 200, ""},
				{"not any request", "GET", "/status", "-", 401, `Bearer realm="https://api.example.com", ` + at},
				{"open", "GET", "/about", "-", 200, ""},
			} {
				req := must(http.NewRequest(c.method, server.URL+c.path, nil))
				if c.scope != "-" {
					req.Header.Set("Authorization", "Bearer "+mint(es256, claim("scope", c.scope)))
				}
				resp := must(http.DefaultClient.Do(req))
				resp.Body.Close()
				if got := resp.Header.Get("WWW-Authenticate"); resp.StatusCode != c.status || !strings.Contains(got, c.challenge) {
					t.Errorf("%s: %d %s\nwant %d … %s", c.name, resp.StatusCode, got, c.status, c.challenge)
				}
			}
			wantMetadata(t, server.URL)
		})
	}
}

func routers(t *testing.T, api scopes.Resource) map[string]http.Handler {
	std, gorilla := http.NewServeMux(), mux.NewRouter()
	for _, err := range []error{
		api.Mount(func(method, path string, h http.Handler) { std.Handle(method+" "+path, h) }),
		api.Mount(func(method, path string, h http.Handler) { gorilla.Handle(path, h).Methods(method) }),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return map[string]http.Handler{"ServeMux": std, "gorilla": gorilla}
}

func wantMetadata(t *testing.T, url string) {
	t.Helper()
	req := must(http.NewRequest("GET", url+"/.well-known/oauth-protected-resource", nil))
	resp := must(http.DefaultClient.Do(req))
	defer resp.Body.Close()
	var got map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if want := map[string]any{
		"resource": audience, "resource_name": "Reports", "authorization_servers": []any{issuer},
		"scopes_supported": []any{"admin", "me", "items", "items:write"}, "bearer_methods_supported": []any{"header"},
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("9728-2 metadata %v", got)
	}
	h := resp.Header
	if h.Get("Content-Type") != "application/json" || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Cache-Control") == "" {
		t.Errorf("9728-3.2 headers %v", h)
	}
	req.Header.Set("If-None-Match", h.Get("ETag"))
	again := must(http.DefaultClient.Do(req))
	if again.Body.Close(); again.StatusCode != http.StatusNotModified {
		t.Errorf("9110-13.1.2 the same document again: %s", again.Status)
	}
}

func TestResourceURL(t *testing.T) {
	for url, want := range map[string]string{ // the path of the metadata; "" when the URL is refused
		"9728-3.1:https://api.example.com":          "/.well-known/oauth-protected-resource",
		"9728-3.1:https://api.example.com/":         "/.well-known/oauth-protected-resource",
		"9728-3.1:https://api.example.com/v1/x":     "/.well-known/oauth-protected-resource/v1/x",
		"9728-3.1:https://api.example.com/v%31/":    "/.well-known/oauth-protected-resource/v%31",
		"9728-3.1:http://127.0.0.1:8001":            "/.well-known/oauth-protected-resource",
		"9728-1.2:http://api.example.com":           "",
		"9728-1.2:https://api.example.com/#part":    "",
		"9728-1.2:https://api.example.com/?a=b":     "",
		"9728-1.2:https://user:pw@api.example.com/": "",
		"9728-1.2:/relative":                        "",
		"9728-1.2:reports":                          "",
	} {
		_, url, _ = strings.Cut(url, ":")
		api := reports(t)
		api.URL = url
		var paths []string
		err := api.Mount(func(_, path string, _ http.Handler) { paths = append(paths, path) })
		switch {
		case want == "":
			if err == nil || !strings.Contains(err.Error(), "https URL") || paths != nil {
				t.Errorf("%s: %v, mounted %v", url, err, paths)
			}
		case err != nil || paths[len(paths)-1] != want:
			t.Errorf("%s: %v, mounted %v, want %s", url, err, paths, want)
		}
	}
}

func TestResourceRefuses(t *testing.T) {
	api := reports(t)
	api.Routes = append(api.Routes,
		scopes.Route{Path: "/x", Handler: whoami},
		scopes.Route{Method: "GET", Path: "y", Handler: whoami},
		scopes.Route{Method: "GET", Path: "/z"},
		scopes.Route{Method: "GET", Path: "/status", Handler: whoami},
		scopes.Route{Method: "GET", Path: "/.well-known/oauth-protected-resource", Handler: whoami},
	)
	err := api.Mount(func(string, string, http.Handler) { t.Error("a table with mistakes is mounted") })
	for _, part := range []string{`" /x"`, `"GET y"`, `"GET /z" has no Handler`, `"GET /status" is there twice`, `oauth-protected-resource" is there twice`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("want all problems in one error, also %s: %v", part, err)
		}
	}
	for _, api := range []scopes.Resource{{Routes: api.Routes}, {Guard: api.Guard}} {
		if err := api.Mount(func(string, string, http.Handler) { t.Error("mounted") }); err == nil {
			t.Errorf("%+v is mounted", api)
		}
	}
}

func TestNeedsPanic(t *testing.T) {
	for name, mistake := range map[string]func(){
		"AllOf with a space":          func() { scopes.AllOf("me items") },
		"AllOf with an empty name":    func() { scopes.AllOf("me", "") },
		"AnyOf without alternatives":  func() { scopes.AnyOf() },
		"AnyOf an empty alternative":  func() { scopes.AnyOf("admin", "") },
		"AnyOf outside the grammar":   func() { scopes.AnyOf("me  items") },
		"RequireAny without anything": func() { newGuard(t, options()).RequireAny() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", name)
				}
			}()
			mistake()
		}()
	}
}

func TestHierarchy(t *testing.T) {
	h := scopes.Hierarchy{"admin": {"items:write", "me"}, "items:write": {"items"}, "a": {"b"}, "b": {"a"}}
	for scope, want := range map[string]string{
		"": "", "items": "items", "items:write": "items:write items", "admin": "admin items:write me items", "a": "a b", "x admin": "x admin items:write me items",
	} {
		set := must(scopes.Parse(scope))
		if got := h.Expand(set).String(); got != want {
			t.Errorf("%q expands to %q, want %q", scope, got, want)
		}
		if set.String() != scope {
			t.Errorf("Expand changed %q to %q", scope, set)
		}
	}
	guard := newGuard(t, options())
	guard.Hierarchy = h
	var everyone scopes.Set
	each := scopes.Hierarchy{}
	for i := range 300 {
		everyone = append(everyone, fmt.Sprint("s", i))
	}
	for _, name := range everyone { // 90,000 ways: it is done once for each name
		each[name] = everyone
	}
	if got := each.Expand(scopes.Set{"s7"}); len(got) != len(everyone) {
		t.Errorf("%d names", len(got))
	}
	need := scopes.AllOf("admin")
	if need.Scope()[0] = "me"; need.Scope().String() != "admin" {
		t.Error("Needs can be changed")
	}
	for scope, want := range map[string]int{"admin": 200, "items:write me": 200, "items:write": 403, "items me": 200, "b me": 403} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+mint(es256, claim("scope", scope)))
		if guard.Require("me", "items")(whoami).ServeHTTP(w, r); w.Code != want {
			t.Errorf("%q: %d, want %d", scope, w.Code, want)
		}
	}
}
