package scopes_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantd/grantd/scopes"
)

// publisher is an issuer reached without a network, so that synctest can move the clock.
type publisher struct {
	mu      sync.Mutex
	handler http.HandlerFunc
	fetches int
}

func (p *publisher) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.fetches++
	handler := p.handler
	p.mu.Unlock()
	if handler == nil {
		return nil, errors.New("connection refused")
	}
	w := httptest.NewRecorder()
	handler(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// serve is RoundTrip for real HTTP: it serves what publish and set say, by real HTTP.
func (p *publisher) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.fetches++
	handler := p.handler
	p.mu.Unlock()
	handler(w, r)
}

func (p *publisher) publish(members ...map[string]any) {
	set := jwks(members...)
	p.set(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) })
}

func (p *publisher) set(handler http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = handler
}

func (p *publisher) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches
}

// follow runs a test in a bubble with a clock of its own; the first fetch is over when it starts.
func follow(t *testing.T, p *publisher, test func(t *testing.T, keys scopes.KeySource)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		keys := must(scopes.JWKS(ctx, issuer+"/jwks.json", scopes.JWKSOptions{Transport: p}))
		synctest.Wait()
		test(t, keys)
	})
}

// find gives what Key says of an id: found, unknown or the text of the fault.
func find(keys scopes.KeySource, kid string) string {
	switch _, err := keys.Key(context.Background(), kid); {
	case err == nil:
		return "found"
	case errors.Is(err, scopes.ErrUnknownKey):
		return "unknown"
	default:
		return err.Error()
	}
}

func wantFind(t *testing.T, keys scopes.KeySource, kid, want string) {
	t.Helper()
	if got := find(keys, kid); !strings.Contains(got, want) {
		t.Fatalf("key %q: %s, want %s", kid, got, want)
	}
}

func TestJWKSRefreshesInTheBackground(t *testing.T) {
	p := &publisher{}
	p.publish(jwk(es256))
	follow(t, p, func(t *testing.T, keys scopes.KeySource) {
		wantFind(t, keys, es256.ID, "found")
		p.publish(jwk(eddsa))
		time.Sleep(5*time.Minute + time.Second)
		wantFind(t, keys, eddsa.ID, "found")
		if p.count() != 2 {
			t.Fatalf("%d fetches, want 2", p.count())
		}
		wantFind(t, keys, es256.ID, "unknown") // withdrawn
	})
}

func TestJWKSUnknownKeyFetchesAtMostEvery30Seconds(t *testing.T) {
	p := &publisher{}
	p.publish(jwk(es256))
	follow(t, p, func(t *testing.T, keys scopes.KeySource) {
		p.publish(jwk(es256), jwk(eddsa))
		wantFind(t, keys, eddsa.ID, "unknown") // the first fetch was just now
		time.Sleep(31 * time.Second)
		wantFind(t, keys, eddsa.ID, "found")
		for range 100 {
			wantFind(t, keys, "made up", "unknown")
		}
		if p.count() != 2 {
			t.Fatalf("%d fetches, want 2", p.count())
		}
	})
}

func TestJWKSStartsBeforeItsIssuer(t *testing.T) {
	p := &publisher{}
	follow(t, p, func(t *testing.T, keys scopes.KeySource) {
		wantFind(t, keys, es256.ID, "connection refused")
		p.publish(jwk(es256))
		time.Sleep(1500 * time.Millisecond)
		wantFind(t, keys, es256.ID, "found")
	})
}

func TestJWKSTriesLessOftenWhileTheIssuerIsDown(t *testing.T) {
	p := &publisher{}
	follow(t, p, func(t *testing.T, keys scopes.KeySource) {
		time.Sleep(time.Hour)
		if n := p.count(); n < 115 || n > 140 {
			t.Fatalf("%d fetches in an hour, want about two a minute", n)
		}
	})
}

func TestJWKSKeepsStaleKeys(t *testing.T) {
	p := &publisher{}
	p.publish(jwk(es256))
	follow(t, p, func(t *testing.T, keys scopes.KeySource) {
		p.set(nil)
		time.Sleep(24 * time.Hour)
		wantFind(t, keys, es256.ID, "found")
		// Nobody can say whether the issuer has this one by now: a fault, no verdict.
		wantFind(t, keys, eddsa.ID, "connection refused")
		p.publish(jwk(eddsa))
		time.Sleep(31 * time.Second)
		wantFind(t, keys, eddsa.ID, "found")
	})
}

func TestJWKSObeysAnEmptySet(t *testing.T) {
	p := &publisher{}
	p.publish(jwk(es256))
	follow(t, p, func(t *testing.T, keys scopes.KeySource) {
		p.set(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) })
		time.Sleep(6 * time.Minute)
		wantFind(t, keys, es256.ID, "unknown") // every key withdrawn: an emergency, not an outage
	})
}

func TestJWKSClientGoesAway(t *testing.T) {
	p := &publisher{}
	p.publish(jwk(es256))
	follow(t, p, func(t *testing.T, keys scopes.KeySource) {
		p.publish(jwk(es256), jwk(eddsa))
		time.Sleep(31 * time.Second)
		gone, cancel := context.WithCancel(context.Background())
		p.set(func(w http.ResponseWriter, _ *http.Request) {
			cancel()
			_, _ = w.Write(jwks(jwk(es256), jwk(eddsa)))
		})
		_, _ = keys.Key(gone, eddsa.ID)
		wantFind(t, keys, eddsa.ID, "found") // the fetch of a client that hung up serves the others
	})
}

func TestJWKSWaitingClientGoesAway(t *testing.T) {
	p := &publisher{}
	p.set(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	follow(t, p, func(t *testing.T, keys scopes.KeySource) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := keys.Key(ctx, es256.ID); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	})
}

func TestJWKSOverHTTP(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"7517-8.5.2 asks for a JWK set", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("Accept"), "application/jwk-set+json") {
				_, _ = w.Write(jwks(jwk(es256), jwk(hs256)))
			}
		}, "found"},
		{"status 500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "500 Internal Server Error"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, "configure the final URL"},
		{"too large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20+1)) }, "more than 1048576 bytes"},
		{"not a JWK set", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "not JSON"},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			w.WriteHeader(200)
		}, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			heard := make(chan error, 100)
			keys, err := scopes.JWKS(t.Context(), server.URL, scopes.JWKSOptions{OnError: func(err error) { heard <- err }})
			if err != nil {
				t.Fatal(err)
			}
			wantFind(t, keys, es256.ID, c.want)
			select {
			case <-heard: // of the fault, or of the symmetric key in the good set
			default:
				t.Error("OnError heard nothing")
			}
		})
	}
}

func TestJWKSRefusesAddresses(t *testing.T) {
	for url, want := range map[string]string{
		"http://auth.example.com/jwks.json": "https",
		"http://10.0.0.1/jwks.json":         "https",
		"ftp://auth.example.com":            "https",
		"https:///jwks.json":                "https",
		"auth.example.com":                  "https",
		"":                                  "https",
		"https://auth example":              "invalid character",
	} {
		if _, err := scopes.JWKS(t.Context(), url, scopes.JWKSOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("8414-2 %q: %v", url, err)
		}
	}
	for _, refresh := range []time.Duration{-1, 5, 999 * time.Millisecond} {
		if _, err := scopes.JWKS(t.Context(), issuer, scopes.JWKSOptions{Refresh: refresh}); err == nil {
			t.Errorf("Refresh: %v", refresh)
		}
	}
	for _, url := range []string{"http://localhost:1/", "http://127.0.0.1:1/", "http://[::1]:1/"} {
		if _, err := scopes.JWKS(t.Context(), url, scopes.JWKSOptions{}); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
}
