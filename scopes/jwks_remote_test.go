package scopes_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
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

// serve is RoundTrip for real HTTP: it serves what publish and set say, by real HTTP.
func (p *publisher) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.fetches++
	handler := p.handler
	p.mu.Unlock()
	handler(w, r)
}

// Neither requests nor fetches pile up at an issuer that hangs, and the keys at hand stay in use.
func TestJWKSIssuerHangs(t *testing.T) {
	p := &publisher{}
	p.publish(jwk(es256))
	followOver(t, p.serve, scopes.JWKSOptions{}, func(t *testing.T, keys scopes.KeySource) {
		time.Sleep(31 * time.Second)
		p.set(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		before := p.count()
		start := time.Now()
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() { wantFind(t, keys, "made up", "not answered for 3s") })
		}
		synctest.Wait()
		wantFind(t, keys, es256.ID, "found")
		all.Wait()
		if waited := time.Since(start); waited != 3*time.Second || p.count() != before+1 {
			t.Errorf("waited %v for %d fetches", waited, p.count()-before)
		}
		time.Sleep(8 * time.Second) // the fetch has failed, the next one hangs too
		start = time.Now()
		for range 1000 {
			wantFind(t, keys, "made up", "deadline exceeded")
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v although the issuer is known to hang", waited)
		}
		wantFind(t, keys, es256.ID, "found")
		for range 300 { // while it fetches, and between
			time.Sleep(time.Second)
			wantFind(t, keys, "made up", "deadline exceeded")
		}
		if waited := time.Since(start); waited != 300*time.Second {
			t.Errorf("waited %v in five minutes of hanging", waited-300*time.Second)
		}
	})
}

func TestJWKSIssuerRotatesEverySecond(t *testing.T) {
	p := &publisher{}
	start := time.Now()
	kid := func() string { return "k" + strconv.Itoa(int(time.Since(start)/time.Second)) }
	p.set(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=0")
		_, _ = w.Write(jwks(jwk(es256, "kid", kid())))
	})
	follow(t, p, func(t *testing.T, keys scopes.KeySource) {
		start = time.Now()
		verdicts := map[string]int{}
		for range 600 { // each second a token of the newest key
			time.Sleep(time.Second)
			verdicts[find(keys, kid())]++
		}
		if p.count() > 22 || verdicts["found"] < 15 || verdicts["found"]+verdicts["unknown"] != 600 {
			t.Errorf("%d fetches in ten minutes; %v", p.count(), verdicts)
		}
	})
}

func TestJWKSBounds(t *testing.T) {
	many := make([]map[string]any, 10_000)
	for i := range many {
		many[i] = map[string]any{"kty": "EC", "kid": strconv.Itoa(i)}
	}
	for name, c := range map[string]struct {
		set  []byte
		want string
	}{
		"10,000 keys":     {jwks(many...), "more than 100 members"},
		"101 keys":        {jwks(many[:101]...), "more than 100 members"},
		"100 of no use":   {jwks(many[:100]...), "unknown"},
		"a million zeros": {[]byte(`{"keys":[0` + strings.Repeat(",0", 500_000) + `]}`), "more than 100 members"},
		"over 1 MiB":      {append(jwks(jwk(eddsa)), make([]byte, 1<<20)...), "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &publisher{}
			p.publish(jwk(es256))
			followOver(t, p.serve, scopes.JWKSOptions{}, func(t *testing.T, keys scopes.KeySource) {
				p.set(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(c.set) })
				time.Sleep(6 * time.Minute)
				wantFind(t, keys, eddsa.ID, c.want)
				if c.want != "unknown" {
					wantFind(t, keys, es256.ID, "found") // those of before stay
				}
			})
		})
	}
}

func TestJWKSUnsupportedKinds(t *testing.T) {
	weak := newRS256("weak", 1024)
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	set := jwks(
		map[string]any{"kty": "OKP", "crv": "X25519", "kid": "x25519", "x": encode(string(secret))},
		jwk(signer{scopes.Key{ID: "p384", Alg: "ES384", Key: &p384.PublicKey}, nil}),
		jwk(weak), jwk(hs256),
		map[string]any{"kty": "AKP", "kid": "ml-dsa", "alg": "ML-DSA-44", "pub": "AAAA"},
		map[string]any{"kty": "RSA", "kid": "garbage", "n": strings.Repeat("\x00", 1000), "e": "!"},
		jwk(es256))
	var heard []string
	p := &publisher{}
	p.set(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) })
	o := scopes.JWKSOptions{OnError: func(err error) { heard = append(heard, err.Error()) }}
	followOver(t, p.serve, o, func(t *testing.T, keys scopes.KeySource) {
		time.Sleep(time.Hour)
		wantFind(t, keys, es256.ID, "found")
		for _, kid := range []string{"x25519", "p384", "weak", hs256.ID, "ml-dsa", "garbage"} {
			wantFind(t, keys, kid, "unknown")
		}
		if len(heard) != 1 || !strings.Contains(heard[0], "member 0") || !strings.Contains(heard[0], "and 1 more") || len(heard[0]) > 1500 {
			t.Errorf("heard %q in an hour, want each complaint once", heard)
		}
	})
}

func TestJWKSComplainsOnce(t *testing.T) {
	var heard []string
	p := &publisher{}
	p.publish(jwk(es256))
	o := scopes.JWKSOptions{OnError: func(err error) { heard = append(heard, err.Error()) }}
	broken := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }
	followOver(t, p.serve, o, func(t *testing.T, _ scopes.KeySource) {
		for range 2 {
			p.set(broken)
			time.Sleep(time.Hour)
			p.publish(jwk(es256))
			time.Sleep(time.Hour)
		}
		if len(heard) != 2 || !strings.Contains(heard[0], "502 Bad Gateway") {
			t.Errorf("two outages were heard of %d times: %q", len(heard), heard)
		}
	})
}

// Equal keys are the same key, so that what is known of a token stays known.
func TestJWKSKeepsTheIdentityOfKeys(t *testing.T) {
	p := &publisher{}
	p.publish(jwk(es256), jwk(rs256))
	follow(t, p, func(t *testing.T, keys scopes.KeySource) {
		ec, rsa := must(keys.Key(t.Context(), es256.ID)), must(keys.Key(t.Context(), rs256.ID))
		other := newES256(es256.ID)
		p.publish(jwk(rs256), jwk(eddsa), jwk(other))
		time.Sleep(6 * time.Minute)
		if now := must(keys.Key(t.Context(), rs256.ID)); now.Key != rsa.Key {
			t.Error("the same key is another one after a fetch")
		}
		if now := must(keys.Key(t.Context(), es256.ID)); now.Key == ec.Key || !other.Key.Key.(*ecdsa.PublicKey).Equal(now.Key) {
			t.Error("another key of the same id is taken for the one before")
		}
	})
}

func TestJWKSEndsWithItsContext(t *testing.T) {
	p := &publisher{}
	p.publish(jwk(es256))
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		keys := must(scopes.JWKS(ctx, issuer, scopes.JWKSOptions{Transport: p}))
		synctest.Wait()
		cancel()
		time.Sleep(time.Hour)
		start := time.Now()
		wantFind(t, keys, es256.ID, "found")
		wantFind(t, keys, eddsa.ID, "context given for it has ended")
		if p.count() != 1 || time.Since(start) != 0 {
			t.Errorf("%d fetches, waited %v", p.count(), time.Since(start))
		}
	})
}
