package scopes_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantd/grantd/scopes"
)

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
		time.Sleep(9 * time.Minute)
		wantFind(t, keys, es256.ID, "found")
		time.Sleep(2 * time.Minute) // twice Refresh: nobody knows whether the issuer still has it
		start := time.Now()
		wantFind(t, keys, es256.ID, "context given for it has ended")
		wantFind(t, keys, eddsa.ID, "context given for it has ended")
		if p.count() != 1 || time.Since(start) != 0 {
			t.Errorf("%d fetches, waited %v", p.count(), time.Since(start))
		}
	})
}
