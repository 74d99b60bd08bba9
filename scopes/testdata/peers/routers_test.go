package peers

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

// TestChi: a table of routes, and middleware, in the router that scopes itself is not tested with.
func TestChi(t *testing.T) {
	is := newIssuer(t)
	guard := scopes.Guard{Verifier: openScopes(t, is, scopes.VerifierOptions{}).Verifier}
	byMiddleware, byTable := chi.NewRouter(), chi.NewRouter()
	byMiddleware.With(guard.Require("me", "items")).Get("/users/me/items/", noContent)
	api := scopes.Resource{Guard: guard, Routes: []scopes.Route{
		{Method: "GET", Path: "/users/me/items/", Needs: scopes.AllOf("me", "items"), Handler: http.HandlerFunc(noContent)},
	}}
	if err := api.Mount(byTable.Method); err != nil {
		t.Fatal(err)
	}
	for name, router := range map[string]http.Handler{"middleware": byMiddleware, "table": byTable} {
		for jwt, want := range map[string]int{
			is.mint(token.ES256): http.StatusNoContent,
			is.mint(token.ES256, func(a *token.Access) { a.Scope = scopes.Set{"me"} }): http.StatusForbidden,
			tamper(is.mint(token.ES256)): http.StatusUnauthorized,
		} {
			w := &reply{header: http.Header{}}
			if router.ServeHTTP(w, request(jwt)); w.status != want {
				t.Errorf("%s: status %d, want %d", name, w.status, want)
			}
		}
	}
}
