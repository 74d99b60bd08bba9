package scopes_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantd/grantd/scopes"
)

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
		// The 404 makes the metadata doubtful. Whether this request still sees it or what comes after is a race.
		if got := judge(v, s.token(eddsa)); got != "ok" && !strings.Contains(got, "/jwks.json answers 404") {
			t.Error(got)
		}
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
