package token_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

func TestSignerByTime(t *testing.T) {
	retired, active, next := generate(t, token.EdDSA, issued.Add(-2*time.Hour)), generate(t, token.EdDSA, issued.Add(-time.Hour)), generate(t, token.EdDSA, issued.Add(time.Hour))
	foreign := generate(t, token.ES256, issued) // the newest, of another algorithm
	ring, err := token.NewRing(token.EdDSA, []token.SigningKey{next, foreign, retired, active})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		at   time.Time
		want token.SigningKey
	}{
		{"the newest whose time has come", issued, active},
		{"one moment before the next", next.SignFrom.Add(-time.Nanosecond), active},
		{"the very moment of the next", next.SignFrom, next},
		{"long after", next.SignFrom.Add(time.Hour), next},
		{"the first key's time", retired.SignFrom, retired},
		// A server whose clock is behind that of the one which made the first key.
		{"before the time of all", retired.SignFrom.Add(-time.Minute), retired},
	} {
		if got, err := ring.Signer(c.at); err != nil || got.ID != c.want.ID {
			t.Errorf("%s: signs with %s, want %s, error %v", c.name, got.ID, c.want.ID, err)
		}
	}
	for _, k := range []token.SigningKey{retired, active, next, foreign} {
		if found, err := ring.Key(t.Context(), k.ID); err != nil || found.ID != k.ID || found.Alg != k.Alg {
			t.Errorf("Key(%s): %v, error %v", k.ID, found, err)
		}
	}
	if _, err := ring.Key(t.Context(), "no such key"); !errors.Is(err, scopes.ErrUnknownKey) {
		t.Errorf("error %v, want ErrUnknownKey", err)
	}
}

func TestRingWithoutKey(t *testing.T) {
	ring, err := token.NewRing(token.ES256, []token.SigningKey{generate(t, token.EdDSA, issued)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.MintAccess(access()); err == nil || !strings.Contains(err.Error(), "grantd key rotate") {
		t.Errorf("error %v does not say what to do", err)
	}
}

// jwk is every member that a public key may have, and none of a private one.
type jwk struct {
	KTY, CRV, X, Y, N, E, KID, ALG, USE string
}

func readJWKS(t *testing.T, ring *token.Ring) []jwk {
	t.Helper()
	var set struct{ Keys []jwk }
	dec := json.NewDecoder(bytes.NewReader(ring.JWKS()))
	dec.DisallowUnknownFields() // such as d, p, q, k
	if err := dec.Decode(&set); err != nil {
		t.Fatalf("%v in %s", err, ring.JWKS())
	}
	return set.Keys
}

// RFC 7517 §5, §4; RFC 7518 §6.2.1, §6.3.1; RFC 8037 §2.
func TestJWKS(t *testing.T) {
	shared, err := token.SharedKey(bytes.Repeat([]byte("shared secret "), 3))
	if err != nil {
		t.Fatal(err)
	}
	ec, ed, rs := generate(t, token.ES256, issued), generate(t, token.EdDSA, issued.Add(time.Hour)), generate(t, token.RS256, issued.Add(2*time.Hour))
	ring, err := token.NewRing(token.HS256, []token.SigningKey{ec, ed, rs, shared})
	if err != nil {
		t.Fatal(err)
	}
	point, err := ec.Private().(*ecdsa.PrivateKey).PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	want := []jwk{
		{KTY: "EC", CRV: "P-256", X: b64(point[1:33]), Y: b64(point[33:]), KID: ec.ID, ALG: "ES256", USE: "sig"},
		{KTY: "OKP", CRV: "Ed25519", X: b64(ed.Private().(ed25519.PrivateKey).Public().(ed25519.PublicKey)), KID: ed.ID, ALG: "EdDSA", USE: "sig"},
		{KTY: "RSA", N: b64(rs.Private().(*rsa.PrivateKey).N.Bytes()), E: "AQAB", KID: rs.ID, ALG: "RS256", USE: "sig"},
	}
	if got := readJWKS(t, ring); !slices.Equal(got, want) {
		t.Errorf("JWKS\n %v, want\n %v", got, want)
	}
	// What is published is what resource services can use.
	keys, err := scopes.ParseJWKS(ring.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []token.SigningKey{ec, ed, rs} {
		alone, err := token.NewRing(k.Alg, []token.SigningKey{k})
		if err != nil {
			t.Fatal(err)
		}
		minted, err := alone.MintAccess(access())
		if err != nil {
			t.Fatal(err)
		}
		public, err := keys.Key(t.Context(), k.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jwt.Parse(minted, func(*jwt.Token) (any, error) { return public.Key, nil },
			jwt.WithValidMethods([]string{k.Alg}), jwt.WithoutClaimsValidation()); err != nil {
			t.Errorf("%s: %v", k.Alg, err)
		}
	}
}

// An empty set is a set: RFC 7517 §5 wants the member.
func TestJWKSOfSharedSecret(t *testing.T) {
	shared, err := token.SharedKey(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := token.NewRing(token.HS256, []token.SigningKey{shared})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(ring.JWKS()); got != `{"keys":[]}` {
		t.Errorf("JWKS %s", got)
	}
}

// Signing and looking up go on while the keys are replaced; the race detector watches.
func TestRingIsReplacedInUse(t *testing.T) {
	one, two := generate(t, token.EdDSA, issued.Add(-time.Hour)), generate(t, token.EdDSA, issued.Add(-time.Minute))
	ring, err := token.NewRing(token.EdDSA, []token.SigningKey{one})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if _, err := ring.MintAccess(access()); err != nil {
					t.Error(err)
				}
				if _, err := ring.Key(t.Context(), one.ID); err != nil {
					t.Error(err)
				}
				ring.JWKS()
			}
		})
	}
	for range 50 {
		if err := ring.Replace([]token.SigningKey{one, two}); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if k, err := ring.Signer(issued); err != nil || k.ID != two.ID {
		t.Errorf("signs with %s, want %s, error %v", k.ID, two.ID, err)
	}
}

// keySource has one key for whatever kid.
type keySource struct{ key scopes.Key }

func (s keySource) Key(context.Context, string) (scopes.Key, error) { return s.key, nil }
