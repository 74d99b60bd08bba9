//go:build !race

package scopes_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grantd/grantd/scopes"
)

// What a token costs beside the check of its signature must not grow unseen.
func TestAllocationsOfVerify(t *testing.T) {
	uncached := options()
	uncached.CacheSize = -1
	for _, s := range signers {
		token := mint(s)
		limit := arithmetic(s, token[:strings.LastIndexByte(token, '.')])
		need := testing.AllocsPerRun(100, func() { limit() })
		for _, c := range []struct {
			name string
			o    scopes.VerifierOptions
			most float64
		}{{"first", uncached, need + 13}, {"again", options(), 1}} {
			t.Run(s.Alg+" "+c.name, func(t *testing.T) {
				v := newVerifier(t, c.o)
				got := testing.AllocsPerRun(100, func() {
					if _, err := v.Verify(t.Context(), token); err != nil {
						t.Fatal(err)
					}
				})
				if got > c.most {
					t.Errorf("%g allocations, at most %g are expected; the signature alone needs %g", got, c.most, need)
				}
			})
		}
	}
}

// One for the claims, one for the context and one for the request that has it.
func TestAllocationsOfRequire(t *testing.T) {
	guard := &scopes.Guard{Verifier: newVerifier(t, options())}
	handler := guard.Require("me")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+mint(es256))
	w := httptest.NewRecorder()
	if got := testing.AllocsPerRun(100, func() { handler.ServeHTTP(w, r) }); got > 3 || w.Code != http.StatusOK {
		t.Errorf("%g allocations, status %d", got, w.Code)
	}
}
