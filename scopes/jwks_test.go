package scopes_test

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/MicahParks/jwkset"

	"github.com/grantd/grantd/scopes"
)

// jwk gives a member of a JWK set, each call with changes on top of what the key says.
func jwk(s signer, changes ...string) map[string]any {
	j := must(jwkset.NewJWKFromKey(s.Key.Key, jwkset.JWKOptions{
		Marshal:  jwkset.JWKMarshalOptions{Private: true},
		Metadata: jwkset.JWKMetadataOptions{KID: s.ID, ALG: jwkset.ALG(s.Alg), USE: jwkset.UseSig},
	}))
	var m map[string]any
	must(0, json.Unmarshal(must(json.Marshal(j.Marshal())), &m))
	for i := 0; i < len(changes); i += 2 {
		if m[changes[i]] = changes[i+1]; changes[i+1] == "" {
			delete(m, changes[i])
		}
	}
	return m
}

func jwks(members ...map[string]any) []byte {
	return must(json.Marshal(map[string]any{"keys": members}))
}

func TestParseJWKSKeeps(t *testing.T) {
	keys, err := scopes.ParseJWKS(jwks(jwk(es256), jwk(eddsa), jwk(rs256), jwk(hs256),
		map[string]any{"kty": "unheard-of", "kid": "x"}, map[string]any{"kty": 7}))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []signer{es256, eddsa, rs256} {
		k, err := keys.Key(context.Background(), s.ID)
		if err != nil || k.Alg != s.Alg || !k.Key.(interface{ Equal(crypto.PublicKey) bool }).Equal(s.Key.Key) {
			t.Errorf("7517-5 %s: %+v, %v", s.Alg, k, err)
		}
	}
	if _, err := keys.Key(context.Background(), hs256.ID); !errors.Is(err, scopes.ErrUnknownKey) {
		t.Errorf("7517-5 a shared secret out of a JWK set: %v", err)
	}
	keys, err = scopes.ParseJWKS(jwks(jwk(es256, "alg", "", "use", "")))
	if k, _ := keys.Key(context.Background(), es256.ID); err != nil || k.Alg != "ES256" {
		t.Errorf("7517-4.4 alg and use are optional: %+v, %v", k, err)
	}
}

// RFC 7517 §4.5: of keys that share an id nobody can tell which is meant; they do not spoil the others.
func TestParseJWKSWithAnIDTwice(t *testing.T) {
	keys := must(scopes.ParseJWKS(jwks(jwk(es256), jwk(rs256), jwk(eddsa, "kid", es256.ID), jwk(rs256))))
	wantFind(t, keys, rs256.ID, "found")
	wantFind(t, keys, es256.ID, "unknown")
}

func TestParseJWKSRefuses(t *testing.T) {
	encrypting := jwk(es256, "use", "")
	encrypting["key_ops"] = []string{"encrypt"}
	for _, c := range []struct {
		name string
		set  []byte
		text string
	}{
		{"7517-5 not JSON", []byte("<html>"), "not JSON"},
		{"7517-5 no keys member", []byte("{}"), `no member "keys"`},
		{"7517-5 keys empty", []byte(`{"keys":[]}`), "no key that verifies"},
		{"7517-5 member not an object", []byte(`{"keys":[7]}`), "member 0"},
		{"7517-4.5 no kid", jwks(jwk(es256, "kid", "")), "no id"},
		{"7517-4.5 kid twice", jwks(jwk(es256), jwk(eddsa, "kid", es256.ID)), "twice"},
		{"7517-4.2 for encryption", jwks(jwk(es256, "use", "enc")), `use is "enc"`},
		{"7517-4.3 for encryption", jwks(encrypting), "leave out verify"},
		{"7517-4.4 another algorithm", jwks(jwk(rs256, "alg", "PS256")), `"PS256" is not accepted`},
		{"7517-4.4 algorithm none", jwks(jwk(es256, "alg", "none")), `"none" is not accepted`},
		{"7517-9.3 private key", jwks(jwk(es256, "d", "AQAB")), "private or shared"},
		{"7517-9.3 shared secret", jwks(jwk(hs256)), "private or shared"},
		{"7518-6.4 shared secret left out", jwks(jwk(hs256, "k", "")), "symmetric"},
		{"7518-6.2.1 off the curve", jwks(jwk(es256, "x", "AQAB")), "not on the specified curve"},
		{"7518-3.4 P-384", jwks(jwk(es256, "crv", "P-384")), "curve"},
		{"7518-3.3 weak RSA key", jwks(jwk(rs256, "n", "AQAB")), "2048 to 8192 bits"},
		{"8037-2 X25519", jwks(jwk(eddsa, "crv", "X25519", "alg", "")), "not one of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if keys, err := scopes.ParseJWKS(c.set); err == nil || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("got %v, %v; want an error with %q", keys, err, c.text)
			}
		})
	}
}

func FuzzParseJWKS(f *testing.F) {
	f.Add(jwks(jwk(es256), jwk(eddsa)))
	f.Add(jwks(jwk(rs256)))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"","y":"","kid":"a","x5c":["MII="],"x5u":"http://x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := scopes.ParseJWKS(data)
		if (keys == nil) == (err == nil) {
			t.Fatalf("%q gives %v, %v", data, keys, err)
		}
	})
}
