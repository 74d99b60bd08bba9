package scopes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantd/grantd/scopes"
)

const (
	oauthMetadata  = "/.well-known/oauth-authorization-server"
	openidMetadata = "/.well-known/openid-configuration"
)

// site is an issuer whose every answer a test can change.
type site struct {
	issuer string

	mu       sync.Mutex
	metadata map[string]any // at oauthMetadata
	keys     []map[string]any
	revoked  []scopes.Revocation
	listEdit func(header map[string]any, list *scopes.RevocationList)
	signer   signer
	tag      int                         // of the list
	pages    map[string]http.HandlerFunc // in place of the usual answer
	hits     map[string]int
	statuses map[int]int
}

func newSite() *site {
	return &site{
		issuer:   localIssuer,
		metadata: map[string]any{"issuer": localIssuer, "jwks_uri": localIssuer + "/jwks.json", "revocation_list_uri": localIssuer + "/revocations"},
		keys:     []map[string]any{jwk(es256)},
		signer:   es256,
		pages:    map[string]http.HandlerFunc{},
		hits:     map[string]int{},
		statuses: map[int]int{},
	}
}

// change is how a test changes anything.
func (s *site) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.tag++
}

// page replaces the answer at a path; nil brings the usual one back.
func (s *site) page(path string, h http.HandlerFunc) {
	s.change(func() {
		if s.pages[path] = h; h == nil {
			delete(s.pages, path)
		}
	})
}

func (s *site) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits[path]
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.hits[r.URL.Path]++
	page := s.pages[r.URL.Path]
	s.mu.Unlock()
	if page != nil {
		page(w, r) // not under the lock: it may take its time
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.URL.Path {
	case oauthMetadata:
		_ = json.NewEncoder(w).Encode(s.metadata)
	case "/jwks.json":
		_, _ = w.Write(jwks(s.keys...))
	case "/revocations":
		s.serveList(w, r)
	default:
		http.NotFound(w, r)
	}
}

// serveList answers as grantd does: one ETag for a content and a minute.
func (s *site) serveList(w http.ResponseWriter, r *http.Request) {
	etag := fmt.Sprintf(`W/"%d-%d"`, s.tag, time.Now().Unix()/60)
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		s.statuses[http.StatusNotModified]++
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s.statuses[http.StatusOK]++
	_, _ = w.Write([]byte(s.list(time.Now())))
}

// list signs the list of a time.
func (s *site) list(at time.Time) string {
	l := &scopes.RevocationList{
		Issuer: s.issuer, URL: s.issuer + "/revocations", IssuedAt: at, ExpiresAt: at.Add(3 * time.Minute), TTL: 5 * time.Second,
		Revoked: scopes.NewRevocations(s.revoked...),
	}
	h := map[string]any{"alg": s.signer.Alg, "kid": s.signer.ID, "typ": "revocations+jwt"}
	if s.listEdit != nil {
		s.listEdit(h, l)
	}
	return sign(s.signer, string(must(json.Marshal(h))), string(must(l.MarshalJSON())))
}

// token is one of the issuer, issued now.
func (s *site) token(by signer, edits ...edit) string {
	at := time.Now()
	return mint(by, slices.Concat([]edit{claim("iss", s.issuer), claim("iat", at.Unix()), claim("exp", at.Add(time.Hour).Unix())}, edits)...)
}

// discover runs a test with a Verifier of the site over real HTTP; what it fetches first is there when it starts.
func (s *site) discover(t *testing.T, o scopes.DiscoverOptions, test func(t *testing.T, v *scopes.Verifier)) {
	bubble(t, s.serve, func(t *testing.T, transport http.RoundTripper) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if o.Transport == nil {
			o.Transport = transport
		}
		v, err := scopes.Discover(ctx, s.issuer, audience, o)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		test(t, v)
	})
}

// judge gives what Verify says of a token: ok, or the kind of the refusal and its cause.
func judge(v *scopes.Verifier, token string) string {
	_, err := v.Verify(context.Background(), token)
	var refusal *scopes.Error
	if errors.As(err, &refusal) {
		return fmt.Sprint(refusal.Kind, ": ", refusal.Cause)
	}
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// wantJudge wants the kind of a refusal, or ok, and then texts that its cause has.
func wantJudge(t *testing.T, v *scopes.Verifier, token, kind string, texts ...string) {
	t.Helper()
	got := judge(v, token)
	if found, _, _ := strings.Cut(got, ":"); found != kind {
		t.Fatalf("%s, want %s", got, kind)
	}
	for _, text := range texts {
		if !strings.Contains(got, text) {
			t.Fatalf("%s, want %s", got, text)
		}
	}
}

// startSite serves a site over TCP.
func startSite(t *testing.T) (s *site, stop func()) {
	t.Helper()
	s = newSite()
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	s.issuer = server.URL
	s.metadata = map[string]any{"issuer": s.issuer, "jwks_uri": s.issuer + "/jwks.json", "revocation_list_uri": s.issuer + "/revocations"}
	return s, server.Close
}
