package scopes_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/grantd/grantd/scopes"
)

func TestStaticKeysRefuses(t *testing.T) {
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	weak, n := newRS256("weak", 1024), rs256.Key.Key.(*rsa.PublicKey).N
	even := rsa.PublicKey{N: n, E: 4}
	huge := rsa.PublicKey{N: new(big.Int).Lsh(n, 8000), E: 65537}

	for _, c := range []struct {
		name string
		keys []scopes.Key
		text string
	}{
		{"no keys", nil, "at least one"},
		{"7517-4.5 no id", []scopes.Key{{Alg: "HS256", Key: secret}}, "no id"},
		{"7517-4.5 id twice", []scopes.Key{es256.Key, {ID: es256.ID, Alg: "HS256", Key: secret}}, "twice"},
		{"8725-3.1 no algorithm", []scopes.Key{{ID: "k", Key: secret}}, "not one of"},
		{"8725-3.1 algorithm none", []scopes.Key{{ID: "k", Alg: "none", Key: secret}}, "not one of"},
		{"7518-3.4 ES256 with a secret", []scopes.Key{{ID: "k", Alg: "ES256", Key: secret}}, "ES256 takes"},
		{"7518-3.4 ES256 with a nil key", []scopes.Key{{ID: "k", Alg: "ES256", Key: (*ecdsa.PublicKey)(nil)}}, "ES256 takes"},
		{"7518-3.4 ES256 on P-384", []scopes.Key{{ID: "k", Alg: "ES256", Key: &p384.PublicKey}}, "P-256"},
		{"7518-3.4 ES256 without a point", []scopes.Key{{ID: "k", Alg: "ES256", Key: &ecdsa.PublicKey{Curve: elliptic.P256()}}}, "no point"},
		{"8037-3.1 EdDSA with an RSA key", []scopes.Key{{ID: "k", Alg: "EdDSA", Key: rs256.Key.Key}}, "EdDSA takes"},
		{"8037-3.1 EdDSA with a private key", []scopes.Key{{ID: "k", Alg: "EdDSA", Key: eddsa.private}}, "EdDSA takes"},
		{"7518-3.3 RS256 with an EC key", []scopes.Key{{ID: "k", Alg: "RS256", Key: es256.Key.Key}}, "RS256 takes"},
		{"7518-3.3 RS256 with an empty key", []scopes.Key{{ID: "k", Alg: "RS256", Key: &rsa.PublicKey{}}}, "RS256 takes"},
		{"7518-3.3 RS256 with 1024 bits", []scopes.Key{weak.Key}, "not 1024"},
		{"7518-3.3 RS256 with more than 8192 bits", []scopes.Key{{ID: "k", Alg: "RS256", Key: &huge}}, "8192 bits"},
		{"7518-3.3 RS256 with an even exponent", []scopes.Key{{ID: "k", Alg: "RS256", Key: &even}}, "exponent"},
		{"7518-3.2 HS256 with a string", []scopes.Key{{ID: "k", Alg: "HS256", Key: string(secret)}}, "HS256 takes"},
		{"7518-3.2 HS256 with 31 bytes", []scopes.Key{{ID: "k", Alg: "HS256", Key: secret[:31]}}, "not 31"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := scopes.StaticKeys(c.keys...); err == nil || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("got %v, want an error with %q", err, c.text)
			}
		})
	}
}

func TestStaticKeysFinds(t *testing.T) {
	keys := staticKeys()
	for _, s := range signers {
		if k, err := keys.Key(context.Background(), s.ID); err != nil || k.Alg != s.Alg {
			t.Errorf("%s: %+v, %v", s.ID, k, err)
		}
	}
	if _, err := keys.Key(context.Background(), "other"); !errors.Is(err, scopes.ErrUnknownKey) {
		t.Errorf("unknown id: %v", err)
	}
}
