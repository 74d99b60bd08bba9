package scopes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/grantd/grantd/scopes"
)

// Count the refusals of a service by their kind.
func ExampleGuard_Require() {
	verifier, err := scopes.NewVerifier(scopes.VerifierOptions{
		Issuer: "https://auth.example.com", Audience: "https://api.example.com", Keys: database{},
	})
	if err != nil {
		log.Fatal(err)
	}
	guard := &scopes.Guard{
		Verifier: verifier,
		Refused:  func(r *http.Request, e *scopes.Error) { fmt.Println(r.URL.Path, e.Kind) },
	}
	mux := http.NewServeMux()
	mux.Handle("/users/me/", guard.Require("me")(http.NotFoundHandler()))
	mux.Handle("/status/", guard.Require()(http.NotFoundHandler())) // any valid token

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/users/me/", nil))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output:
	// /users/me/ missing
	// 401 Bearer realm="https://api.example.com", scope="me"
}

// A valid token may be of somebody who left a moment ago. The answer is the one that the guard gives.
func ExampleRefuse() {
	staff := map[string]bool{"ann": true}
	profile := func(w http.ResponseWriter, r *http.Request) {
		if claims, _ := scopes.FromContext(r.Context()); !staff[claims.Subject] {
			scopes.Refuse(w, r, &scopes.Error{Kind: scopes.Revoked, Description: "the user of this token has left"})
		}
	}
	guard := &scopes.Guard{Verifier: verifier, Realm: "api"}
	h := guard.RequireAny("admin", "items:write")(http.HandlerFunc(profile))
	fmt.Println(call(h, "GET", "/me", "ann"))
	fmt.Println(call(h, "GET", "/me", "bob"))
	// Output:
	// 200
	// 401 Bearer realm="api", error="invalid_token", error_description="the user of this token has left", scope="admin"
}

// Test a handler without tokens.
func ExampleNewContext() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		claims, _ := scopes.FromContext(r.Context())
		fmt.Println(claims.Subject, claims.Scope.Has("items"))
	}
	r := httptest.NewRequest(http.MethodGet, "/items", nil)
	ctx := scopes.NewContext(r.Context(), &scopes.Claims{Subject: "u-1", Scope: scopes.Set{"items"}})
	handler(httptest.NewRecorder(), r.WithContext(ctx))
	// Output: u-1 true
}

// Claims that have no field of their own.
func ExampleClaims_Decode() {
	claims := &scopes.Claims{Payload: json.RawMessage(`{"sub":"u-1","department":"sales"}`)}
	var more struct{ Department string }
	err := claims.Decode(&more)
	fmt.Println(more.Department, err)
	// Output: sales <nil>
}

// staff is a TokenVerifier for tests of routes: tokens, and the scope of each.
type staff map[string]scopes.Set

func (s staff) Verify(_ context.Context, token string) (*scopes.Claims, error) {
	scope, ok := s[token]
	if !ok {
		return nil, &scopes.Error{Kind: scopes.Malformed, Description: "nobody has this token"}
	}
	return &scopes.Claims{Subject: token, Scope: scope}, nil
}

var verifier scopes.TokenVerifier = staff{"ann": {"admin"}, "bob": {"items:write"}, "eve": {"reports"}}

// call says what a handler answers with: the status and the challenge.
func call(h http.Handler, method, path, token string) string {
	r, w := httptest.NewRequest(method, path, nil), httptest.NewRecorder()
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	h.ServeHTTP(w, r)
	return strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Header().Get("WWW-Authenticate")))
}

var ok = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// Either scope will do. The challenge names the first.
func ExampleGuard_RequireAny() {
	guard := &scopes.Guard{Verifier: verifier, Realm: "api"}
	reports := guard.RequireAny("reports", "admin")(ok)
	fmt.Println(call(reports, "GET", "/reports", "ann"))
	fmt.Println(call(reports, "GET", "/reports", ""))
	// Output:
	// 200
	// 401 Bearer realm="api", scope="reports"
}

// Who may write may read.
func ExampleHierarchy() {
	includes := scopes.Hierarchy{"admin": {"items:write"}, "items:write": {"items"}}
	guard := &scopes.Guard{Verifier: verifier, Hierarchy: includes}
	fmt.Println(call(guard.Require("items")(ok), "GET", "/items", "bob"))
	fmt.Println(includes.Expand(scopes.Set{"admin"}))
	// Output:
	// 200
	// admin items:write items
}

func ExampleNeeds() {
	for _, needs := range []scopes.Needs{
		scopes.AllOf("me", "items"), scopes.AnyOf("admin", "me items"), {}, scopes.Open(),
	} {
		fmt.Printf("%q %t\n", needs.Scope(), needs.IsOpen())
	}
	// Output:
	// "me items" false
	// "admin" false
	// "" false
	// "" true
}

// One table says what each route needs: to the guard, in challenges and in the metadata.
func ExampleResource() {
	api := scopes.Resource{
		Guard:                scopes.Guard{Verifier: verifier, Realm: "api"},
		URL:                  "https://api.example.com",
		Name:                 "Reports",
		AuthorizationServers: []string{"https://auth.example.com"},
		Routes: []scopes.Route{
			{Method: "GET", Path: "/reports", Needs: scopes.AnyOf("reports", "admin"), Handler: ok},
			{Method: "POST", Path: "/reports", Needs: scopes.AllOf("reports:write"), Handler: ok},
			{Method: "GET", Path: "/", Needs: scopes.Open(), Handler: ok},
		},
	}
	mux := http.NewServeMux()
	if err := api.Mount(func(method, path string, h http.Handler) { mux.Handle(method+" "+path, h) }); err != nil {
		log.Fatal(err)
	}
	fmt.Println(call(mux, "POST", "/reports", "eve"))
	fmt.Println(call(mux, "GET", "/", ""))
	var described scopes.Metadata = api.Metadata()
	fmt.Println(described.ScopesSupported)
	// Output:
	// 403 Bearer realm="api", error="insufficient_scope", error_description="the token lacks the scope reports:write; ask for it when you get a token", scope="reports:write", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"
	// 200
	// [reports admin reports:write]
}
