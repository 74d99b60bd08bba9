package scopes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
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

func wantJudge(t *testing.T, v *scopes.Verifier, token string, wants ...string) {
	t.Helper()
	got := judge(v, token)
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Fatalf("%s, want %s", got, want)
		}
	}
}

func TestDiscoverFindsTheMetadata(t *testing.T) {
	for _, c := range []struct {
		name, issuer string
		paths        []string // as they are tried; the last one has the metadata
	}{
		{"8414-3.1 without a path", localIssuer, []string{oauthMetadata}},
		{"8414-3.1 terminating slash", localIssuer + "/", []string{oauthMetadata}},
		{"8414-3.1 with a path", localIssuer + "/a/b", []string{oauthMetadata + "/a/b"}},
		{"8414-3.1 with a path and a terminating slash", localIssuer + "/a/b/", []string{oauthMetadata + "/a/b"}},
		{"OpenID Connect without a path", localIssuer, []string{oauthMetadata, openidMetadata}},
		{"OpenID Connect with a path", localIssuer + "/a", []string{oauthMetadata + "/a", "/a" + openidMetadata}},
		{"8414-5 OpenID Connect, inserted", localIssuer + "/a", []string{oauthMetadata + "/a", "/a" + openidMetadata, openidMetadata + "/a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite()
			s.issuer, s.metadata["issuer"] = c.issuer, c.issuer
			delete(s.metadata, "revocation_list_uri")
			var tried []string
			for _, path := range []string{oauthMetadata, oauthMetadata + "/a", oauthMetadata + "/a/b", "/a" + openidMetadata, openidMetadata, openidMetadata + "/a"} {
				s.pages[path] = func(w http.ResponseWriter, r *http.Request) {
					if tried = append(tried, r.URL.Path); r.URL.Path == c.paths[len(c.paths)-1] {
						_ = json.NewEncoder(w).Encode(s.metadata)
						return
					}
					http.NotFound(w, r)
				}
			}
			s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
				wantJudge(t, v, s.token(es256), "ok")
				if !slices.Equal(tried, c.paths) {
					t.Errorf("tried %q, want %q", tried, c.paths)
				}
			})
		})
	}
}

func TestDiscoverRefusesMetadata(t *testing.T) {
	for _, c := range []struct {
		name string
		text string
		want string
	}{
		{"8414-3.3 another issuer", `{"issuer":"https://evil.example","jwks_uri":"https://evil.example/jwks"}`, `issuer "https://evil.example", not of "http://127.0.0.1"`},
		{"8414-3.3 a slash more", `{"issuer":"http://127.0.0.1/"}`, `not of "http://127.0.0.1"`},
		{"8414-3.3 no issuer", `{"jwks_uri":"http://127.0.0.1/jwks.json"}`, `issuer ""`},
		{"8414-3.3 issuer twice", `{"issuer":"http://127.0.0.1","issuer":"https://evil.example"}`, "twice"},
		{"8414-3.3 letter case", `{"Issuer":"http://127.0.0.1"}`, `issuer ""`},
		{"8414-3.3 endless issuer", `{"issuer":"` + strings.Repeat("x", 10_000) + `"}`, `xxx..."`},
		{"8414-2 jwks_uri over http", `{"issuer":"http://127.0.0.1","jwks_uri":"http://auth.example.com/jwks.json"}`, "jwks_uri: \"http://auth.example.com/jwks.json\": give an https URL"},
		{"8414-2 no jwks_uri", `{"issuer":"http://127.0.0.1"}`, "names no jwks_uri"},
		{"8414-2 jwks_uri no string", `{"issuer":"http://127.0.0.1","jwks_uri":7}`, "jwks_uri is of the wrong type"},
		{"list over http", `{"issuer":"http://127.0.0.1","jwks_uri":"http://127.0.0.1/jwks.json","revocation_list_uri":"http://a.example/"}`, "revocation_list_uri: "},
		{"no JSON", "<html>", "not a JSON object"},
		{"endless URL", `{"issuer":"http://127.0.0.1","jwks_uri":"https://` + strings.Repeat("x", 10_000) + `"}`, "longer than 2048"},
		{"too large", `{"issuer":"http://127.0.0.1","x":"` + strings.Repeat("x", 256<<10) + `"}`, "more than 262144 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite()
			s.page(oauthMetadata, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(c.text)) })
			var heard []string
			o := scopes.DiscoverOptions{OnError: func(err error) { heard = append(heard, err.Error()) }}
			s.discover(t, o, func(t *testing.T, v *scopes.Verifier) {
				wantJudge(t, v, s.token(es256), "keys_unavailable", c.want)
				if s.count("/jwks.json") > 0 || s.count(openidMetadata) > 0 {
					t.Error("went on")
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if len(heard) != 1 || !strings.Contains(heard[0], c.want) || len(heard[0]) > 600 {
					t.Errorf("heard %q", heard)
				}
			})
		})
	}
}

// An issuer that is elsewhere has nothing at this machine's loopback addresses, which need no https.
func TestDiscoverRefusesLoopbackOfARemoteIssuer(t *testing.T) {
	p := &publisher{}
	p.set(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"` + issuer + `","jwks_uri":"http://127.0.0.1:1/jwks.json"}`))
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		v := must(scopes.Discover(ctx, issuer, audience, scopes.DiscoverOptions{Transport: p}))
		wantJudge(t, v, mint(es256), "keys_unavailable", "jwks_uri is no https URL")
	})
}

func TestDiscoverRefusesArguments(t *testing.T) {
	for issuer, want := range map[string]string{
		"http://auth.example.com":                  "https",
		"https://auth.example.com?tenant=1":        "query",
		"https://auth.example.com?":                "query",
		"https://auth.example.com/#":               "fragment",
		"https://user:secret@auth.example.com":     "password",
		"auth.example.com":                         "https",
		"":                                         "https",
		"https://" + strings.Repeat("a", 3000):     "longer",
		"https://auth.example.com/\x7f":            "invalid",
		"https://user:secret@auth.example.com/?a=": "password",
		"https://user:secret@auth example.com/":    "invalid character",
	} {
		_, err := scopes.Discover(t.Context(), issuer, audience, scopes.DiscoverOptions{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("8414-2 %q: %v, want %s", issuer, err, want)
		}
	}
	_, err := scopes.Discover(t.Context(), "", "", scopes.DiscoverOptions{
		Leeway: -1, Refresh: -1, Revocations: scopes.RevocationOptions{Poll: 2 * time.Minute},
	})
	for _, want := range []string{"issuer", "audience", "Leeway", "Refresh", "MaxAge (1m0s) is shorter than Poll (2m0s)"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	for _, o := range []scopes.RevocationOptions{{MaxAge: -1}, {Poll: -1}, {Poll: 5}, {Poll: 99 * time.Millisecond}, {MaxAge: 4 * time.Second}} {
		if _, err := scopes.Discover(t.Context(), issuer, audience, scopes.DiscoverOptions{Revocations: o}); err == nil || !strings.Contains(err.Error(), "Poll") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// What the next address may have is no matter when one fails for now, and neither is what a redirect leads to.
func TestDiscoverDoesNotGoOnAfterAFault(t *testing.T) {
	for status, goesOn := range map[int]bool{500: false, 503: false, 429: false, 408: false, 302: false, 404: true, 400: true, 410: true} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			s := newSite()
			s.page(oauthMetadata, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", openidMetadata)
				w.WriteHeader(status)
			})
			s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
				wantJudge(t, v, s.token(es256), "keys_unavailable", oauthMetadata+" answers "+strconv.Itoa(status))
				if went := s.count(openidMetadata) > 0; went != goesOn {
					t.Errorf("went on: %t", went)
				}
			})
		})
	}
}

func TestDiscoverStartsBeforeItsIssuer(t *testing.T) {
	s := newSite()
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }
	for _, path := range []string{oauthMetadata, "/jwks.json", "/revocations"} {
		s.pages[path] = down
	}
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		wantJudge(t, v, s.token(es256), "keys_unavailable", oauthMetadata+" answers 502")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := v.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "502") {
			t.Errorf("Ready: %v", err)
		}
		s.change(func() { delete(s.pages, oauthMetadata) })
		time.Sleep(31 * time.Second)
		synctest.Wait()
		wantJudge(t, v, s.token(es256), "keys_unavailable", "/jwks.json answers 502")
		s.change(func() { delete(s.pages, "/jwks.json") })
		time.Sleep(31 * time.Second)
		synctest.Wait()
		wantJudge(t, v, s.token(es256), "revocations_unavailable", "/revocations answers 502")
		s.change(func() { delete(s.pages, "/revocations") })
		start := time.Now()
		if err := v.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited > 5*time.Second {
			t.Errorf("waited %v for a list that is asked for every 5s", waited)
		}
		wantJudge(t, v, s.token(es256), "ok")
	})
}

// As soon as one thing is there, the next is fetched: nobody waits for the retry of each.
func TestDiscoverIsReadyWithItsMetadata(t *testing.T) {
	s := newSite()
	s.page(oauthMetadata, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) })
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		time.Sleep(10 * time.Minute)
		var found time.Time
		s.page(oauthMetadata, func(w http.ResponseWriter, r *http.Request) {
			found = time.Now()
			s.page(oauthMetadata, nil)
			s.serve(w, r)
		})
		if err := v.Ready(t.Context()); err != nil || time.Since(found) != 0 {
			t.Errorf("%v, %v after the metadata was there", err, time.Since(found))
		}
	})
}

// The first request waits for what is on its way; no request waits for long.
func TestDiscoverFirstRequest(t *testing.T) {
	s := newSite()
	slow := func(path string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(500 * time.Millisecond)
			s.page(path, nil)
			s.serve(w, r)
		}
	}
	for _, path := range []string{oauthMetadata, "/jwks.json", "/revocations"} {
		s.pages[path] = slow(path)
	}
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		start := time.Now()
		wantJudge(t, v, s.token(es256), "ok")
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("waited %v", waited)
		}
	})
	s = newSite()
	s.page(oauthMetadata, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		start := time.Now()
		wantJudge(t, v, s.token(es256), "keys_unavailable", "not answered for 3s")
		if waited := time.Since(start); waited > 3*time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestDiscoverFollowsAMovedJWKS(t *testing.T) {
	s := newSite()
	// The tag is the same at both addresses, and no reason to take one document for the other.
	serve := func(set []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"1"`)
			if r.Header.Get("If-None-Match") == `"1"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = w.Write(set)
		}
	}
	s.page("/jwks.json", serve(jwks(jwk(es256))))
	s.discover(t, scopes.DiscoverOptions{Revocations: scopes.RevocationOptions{Off: true}}, func(t *testing.T, v *scopes.Verifier) {
		time.Sleep(2 * time.Minute)
		s.change(func() {
			s.metadata = maps.Clone(s.metadata)
			s.metadata["jwks_uri"] = localIssuer + "/keys"
			s.pages["/keys"] = serve(jwks(jwk(eddsa)))
			s.pages["/jwks.json"] = http.NotFound
		})
		wantJudge(t, v, s.token(eddsa), "keys_unavailable", "/jwks.json answers 404") // which makes the metadata doubtful
		time.Sleep(31 * time.Second)
		synctest.Wait()
		wantJudge(t, v, s.token(eddsa), "ok")
		if n := s.count(oauthMetadata); n != 2 {
			t.Errorf("the metadata was fetched %d times", n)
		}
		wantJudge(t, v, s.token(es256), "unknown_key")
	})
}

// Nothing is asked for more often than it must be, whatever fails.
func TestDiscoverHowOftenItAsks(t *testing.T) {
	s := newSite()
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		time.Sleep(24 * time.Hour)
		if n := s.count(oauthMetadata); n < 24 || n > 28 {
			t.Errorf("the metadata was fetched %d times in a day", n)
		}
		if n := s.count("/jwks.json"); n < 288 || n > 325 {
			t.Errorf("the keys were fetched %d times in a day", n)
		}
		if n := s.count("/revocations"); n < 17280 || n > 19300 {
			t.Errorf("the list was fetched %d times in a day", n)
		}
		s.mu.Lock()
		if fetched := s.statuses[http.StatusOK]; fetched > 24*60+1 {
			t.Errorf("the list was sent %d times: conditional requests are not conditional", fetched)
		}
		s.mu.Unlock()
		before, polls := s.count(oauthMetadata), s.count("/revocations")
		s.page("/jwks.json", http.NotFound)
		s.page("/revocations", http.NotFound)
		time.Sleep(time.Hour)
		if n := s.count(oauthMetadata) - before; n < 100 || n > 122 {
			t.Errorf("the metadata was fetched %d times in an hour of doubt, want once in 30 seconds", n)
		}
		if n := s.count("/revocations") - polls; n < 720 || n > 805 {
			t.Errorf("the list was asked for %d times in an hour without one, want once in 5 seconds as ever", n)
		}
		wantJudge(t, v, s.token(es256), "revocations_unavailable", "404")
	})
}

// All of Discover from many goroutines, over TCP.
func TestDiscoverOverTCP(t *testing.T) {
	s, stop := startSite(t)
	defer stop()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	v := must(scopes.Discover(ctx, s.issuer, audience, scopes.DiscoverOptions{Revocations: scopes.RevocationOptions{Poll: 100 * time.Millisecond}}))
	stolen := s.token(es256, claim("jti", "stolen"))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if got := judge(v, s.token(es256)); got != "ok" {
					t.Error(got)
				}
			}
		})
		all.Go(func() { must(0, v.Ready(t.Context())) })
	}
	all.Wait()
	wantJudge(t, v, stolen, "ok")
	s.change(func() { s.revoked = append(s.revoked, scopes.RevokedToken("stolen")) })
	for deadline := time.Now().Add(10 * time.Second); judge(v, stolen) == "ok"; {
		if time.Now().After(deadline) {
			t.Fatal("a revocation is not followed")
		}
	}
	wantJudge(t, v, stolen, "revoked")
}

func TestReadyWithoutDiscover(t *testing.T) {
	if err := newVerifier(t, options()).Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestReadyEndsWithDiscover(t *testing.T) {
	s := newSite()
	s.page("/revocations", http.NotFound)
	bubble(t, s.serve, func(t *testing.T, transport http.RoundTripper) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		v := must(scopes.Discover(ctx, s.issuer, audience, scopes.DiscoverOptions{Transport: transport}))
		if err := v.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "context given for it has ended") {
			t.Error(err)
		}
	})
}
