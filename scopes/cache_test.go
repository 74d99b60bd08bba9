package scopes_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
)

// ring is a KeySource whose keys can be taken away.
type ring struct {
	mu   sync.Mutex
	keys map[string]scopes.Key
}

func (r *ring) Key(_ context.Context, kid string) (scopes.Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.keys[kid]
	if !ok {
		return scopes.Key{}, scopes.ErrUnknownKey
	}
	return k, nil
}

func (r *ring) set(keys ...scopes.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = map[string]scopes.Key{}
	for _, k := range keys {
		r.keys[k.ID] = k
	}
}

// What a token is refused for later counts for one that is known, too.
func TestVerifyAgain(t *testing.T) {
	for _, s := range signers {
		keys := &ring{}
		keys.set(s.Key)
		clock, revoked := now, error(nil)
		o := options()
		o.Keys = keys
		o.Now = func() time.Time { return clock }
		o.Revoked = func(_ context.Context, c *scopes.Claims) (bool, error) { return c.ID == "j-2", revoked }
		v := newVerifier(t, o)
		token := mint(s)
		verify := func() error { _, err := v.Verify(context.Background(), token); return err }
		for range 3 {
			if err := verify(); err != nil {
				t.Fatal(err)
			}
		}

		revoked = errors.New("no list")
		wantKind(t, verify(), scopes.RevocationsUnavailable)
		revoked = nil

		keys.set()
		wantKind(t, verify(), scopes.UnknownKey)
		impostor := map[string]signer{"ES256": newES256("es"), "EdDSA": newEdDSA("ed"), "RS256": newRS256("rs", 2048)}
		if other, ok := impostor[s.Alg]; ok {
			keys.set(other.Key) // of the same id
			wantKind(t, verify(), scopes.BadSignature)
		} else {
			keys.set(scopes.Key{ID: "hs", Alg: "HS256", Key: []byte("another secret of 32 bytes, which")})
			wantKind(t, verify(), scopes.BadSignature)
		}
		keys.set(s.Key)
		if err := verify(); err != nil {
			t.Error(err)
		}

		clock = now.Add(15*time.Minute + 59*time.Second)
		if err := verify(); err != nil {
			t.Error("within the leeway:", err)
		}
		clock = now.Add(16 * time.Minute)
		wantKind(t, verify(), scopes.Expired)
		clock = now.Add(-2 * time.Minute) // set back
		wantKind(t, verify(), scopes.NotYetValid)
	}
}

func TestVerifyRevokedAgain(t *testing.T) {
	var revoked atomic.Bool
	o := options()
	o.Revoked = func(context.Context, *scopes.Claims) (bool, error) { return revoked.Load(), nil }
	v, token := newVerifier(t, o), mint(es256)
	if _, err := v.Verify(context.Background(), token); err != nil {
		t.Fatal(err)
	}
	revoked.Store(true)
	_, err := v.Verify(context.Background(), token)
	wantKind(t, err, scopes.Revoked)
}

// A known token is known whole: whoever changes a part of it has another one.
func TestVerifyLikeAKnownOne(t *testing.T) {
	v, token := newVerifier(t, options()), mint(es256)
	if _, err := v.Verify(context.Background(), token); err != nil {
		t.Fatal(err)
	}
	for i := range token {
		other := token[:i] + string(token[i]^1) + token[i+1:]
		if claims, err := v.Verify(context.Background(), other); err == nil {
			t.Fatalf("byte %d changed, and it gives %+v", i, claims)
		}
	}
	if _, err := v.Verify(context.Background(), token[:len(token)-1]); err == nil {
		t.Fatal("a part of it is accepted")
	}
}

// A handler that adds to its claims gives nothing to the next one.
func TestClaimsAreTheCallersOwn(t *testing.T) {
	v, token := newVerifier(t, options()), mint(es256)
	for range 2 {
		claims := must(v.Verify(context.Background(), token))
		if claims.Scope.String() != "me items" || claims.Audience[0] != audience || len(claims.Audience) != 1 || claims.Subject != "u-1" {
			t.Fatalf("claims of another caller: %+v", claims)
		}
		claims.Scope[0], claims.Audience[0] = "admin", "https://other"
		claims.Scope = append(claims.Scope, "admin")
		if claims.Audience[0] != "https://other" {
			t.Fatalf("a scope more has become the audience %q", claims.Audience)
		}
		claims.Audience = append(claims.Audience, "https://other")
		claims.Subject = "u-2"
	}
}

// Neither tokens that somebody made up nor more valid ones than it holds make the cache grow.
func TestCacheIsBounded(t *testing.T) {
	o := options()
	o.CacheSize = 64
	v := newVerifier(t, o)
	fill := func(n int, make func(i int) string) uint64 {
		for i := range n {
			_, _ = v.Verify(context.Background(), make(i))
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	valid := func(i int) string { return mint(hs256, claim("jti", fmt.Sprint("j", i))) }
	garbage := func(i int) string {
		token := mint(hs256, claim("jti", fmt.Sprint("j", i)), claim("exp", 1+i%2*1e9))
		return token + "A"[:i%2]
	}
	before := fill(1000, valid)
	const most = 1 << 20 // 20,000 tokens would be 20 MB
	if after := fill(20000, valid); after > before+most {
		t.Errorf("valid tokens: %d bytes more", after-before)
	}
	known := mint(es256)
	must(v.Verify(context.Background(), known))
	if after := fill(20000, garbage); after > before+most {
		t.Errorf("refused tokens: %d bytes more", after-before)
	}
	if n := testing.AllocsPerRun(10, func() { must(v.Verify(context.Background(), known)) }); n > 2 {
		t.Error("refused tokens pushed out a valid one")
	}
}

// What a KeySource of somebody else hands over is checked, and asked for again by the name that the token has.
func TestVerifyKeysOfOthers(t *testing.T) {
	o := options()
	keys := &ring{}
	o.Keys = keys
	empty := signer{scopes.Key{ID: "hs", Alg: "HS256", Key: []byte{}}, []byte{}}
	keys.set(empty.Key)
	_, err := newVerifier(t, o).Verify(context.Background(), mint(empty))
	wantKind(t, err, scopes.KeysUnavailable)

	keys.keys = map[string]scopes.Key{"es": {ID: "another name", Alg: "ES256", Key: es256.Key.Key}}
	v := newVerifier(t, o)
	must(v.Verify(context.Background(), mint(es256)))
	keys.set()
	_, err = v.Verify(context.Background(), mint(es256))
	wantKind(t, err, scopes.UnknownKey)
}

// One known token in use by many, while its key comes and goes.
func TestVerifyRaces(t *testing.T) {
	keys := &ring{}
	keys.set(es256.Key)
	o := options()
	o.Keys, o.CacheSize = keys, 4
	v := newVerifier(t, o)
	tokens := make([]string, 8)
	for i := range tokens {
		tokens[i] = mint(es256, claim("jti", fmt.Sprint("j", i)))
	}
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 100 {
				claims, err := v.Verify(context.Background(), tokens[(g+i)%len(tokens)])
				if err == nil && claims.ID != fmt.Sprint("j", (g+i)%len(tokens)) {
					t.Errorf("the claims of another token: %s", claims.ID)
				}
				if g == 0 && i%10 == 0 {
					keys.set()
					keys.set(es256.Key)
				}
			}
		})
	}
	group.Wait()
}

// Contract of speed: a token seen before costs at most two allocations.
func TestVerifyAllocations(t *testing.T) {
	v, token := newVerifier(t, options()), mint(es256)
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { must(v.Verify(ctx, token)) }); n > 1 {
		t.Errorf("%.0f allocations for a token seen before", n)
	}
}
