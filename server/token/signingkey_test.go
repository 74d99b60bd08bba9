package token_test

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/server/token"
)

func TestKeyRoundTrip(t *testing.T) {
	m := masterOf(t, 1)
	for _, alg := range pairs {
		t.Run(alg, func(t *testing.T) {
			k := generate(t, alg, issued)
			public, sealed := marshal(t, k, m)
			again, err := token.OpenKey(m, k.ID, alg, issued, sealed)
			if err != nil {
				t.Fatal(err)
			}
			if again.ID != k.ID || again.Alg != alg || !again.SignFrom.Equal(issued) {
				t.Errorf("read back as %s %s %s", again.ID, again.Alg, again.SignFrom)
			}
			if !again.Private().(interface{ Equal(crypto.PrivateKey) bool }).Equal(k.Private()) {
				t.Error("read back with another private half")
			}
			// What the opened key signs, the stored public half verifies.
			ring, err := token.NewRing(alg, []token.SigningKey{again})
			if err != nil {
				t.Fatal(err)
			}
			signed, err := ring.MintAccess(access())
			if err != nil {
				t.Fatal(err)
			}
			half, err := x509.ParsePKIXPublicKey(public)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := jwt.Parse(signed, func(*jwt.Token) (any, error) { return half, nil },
				jwt.WithValidMethods([]string{alg}), jwt.WithoutClaimsValidation()); err != nil {
				t.Error(err)
			}
		})
	}
}

// RFC 8725 §3.1: a key serves one algorithm. The column alg of a row is not sealed.
func TestKeyOfAnotherAlgorithm(t *testing.T) {
	m := masterOf(t, 1)
	for _, alg := range pairs {
		k := generate(t, alg, issued)
		_, sealed := marshal(t, k, m)
		for _, claimed := range []string{token.ES256, token.EdDSA, token.RS256, token.HS256, "none", "ES384", "PS256", ""} {
			if _, err := token.OpenKey(m, k.ID, claimed, issued, sealed); (err == nil) != (claimed == alg) {
				t.Errorf("a key for %s opened for %q: error %v", alg, claimed, err)
			}
		}
	}
}

func TestWhatIsNoSigningKey(t *testing.T) {
	m := masterOf(t, 1)
	pkcs8 := func(k any, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	for name, plain := range map[string][]byte{
		"RFC 7518 §3.4: ES256 is P-256, this is P-384": pkcs8(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		"a key that only agrees":                       pkcs8(ecdh.X25519().GenerateKey(rand.Reader)),
		"not DER":                                      []byte("-----BEGIN PRIVATE KEY-----"),
		"nothing":                                      nil,
	} {
		if _, err := token.OpenKey(m, "k", token.ES256, issued, m.SealPlain("k", plain)); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestGenerateKeySizes(t *testing.T) {
	if k := generate(t, token.ES256, issued).Private().(*ecdsa.PrivateKey); k.Curve != elliptic.P256() {
		t.Errorf("ES256 on %s", k.Params().Name)
	}
	if k := generate(t, token.RS256, issued).Private().(*rsa.PrivateKey); k.N.BitLen() < 2048 {
		t.Errorf("RS256 with %d bits", k.N.BitLen())
	}
	if k := generate(t, token.EdDSA, issued).Private().(ed25519.PrivateKey); len(k) != ed25519.PrivateKeySize {
		t.Errorf("EdDSA with %d bytes", len(k))
	}
	for _, alg := range []string{token.HS256, "none", "", "es256"} {
		if _, err := token.GenerateKey(alg, issued); err == nil || !strings.Contains(err.Error(), "use ES256") {
			t.Errorf("GenerateKey(%q): error %v", alg, err)
		}
	}
}

func TestSharedKey(t *testing.T) {
	// RFC 7518 §3.2: a key of the same size as the hash output or larger MUST be used.
	for _, size := range []int{0, 1, 31} {
		if _, err := token.SharedKey(make([]byte, size)); err == nil {
			t.Errorf("a shared secret of %d bytes was taken", size)
		}
	}
	k, err := token.SharedKey(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.Marshal(masterOf(t, 1)); err == nil {
		t.Error("the shared secret was made ready for the database")
	}
	ring, err := token.NewRing(token.HS256, []token.SigningKey{k})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := ring.Key(context.Background(), token.SharedKeyID); err != nil || found.Alg != token.HS256 {
		t.Errorf("found %v, error %v", found.Alg, err)
	}
}
