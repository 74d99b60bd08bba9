package scopes_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/grantd/grantd/scopes"
)

// BenchmarkVerify compares a token seen before ("again") and one seen first with the arithmetic that nothing can avoid.
func BenchmarkVerify(b *testing.B) {
	first := options()
	first.CacheSize = -1
	for _, s := range signers {
		token := mint(s)
		signed := token[:strings.LastIndexByte(token, '.')]
		limit := arithmetic(s, signed)
		b.Run(s.Alg+"/limit", func(b *testing.B) {
			for b.Loop() {
				if !limit() {
					b.Fatal("the signature is wrong")
				}
			}
		})
		for name, o := range map[string]scopes.VerifierOptions{"first": first, "again": options()} {
			b.Run(s.Alg+"/"+name, func(b *testing.B) {
				v := newVerifier(b, o)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := v.Verify(context.Background(), token); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// arithmetic is the hash and the check of a signature over signed, by the standard library alone.
func arithmetic(s signer, signed string) func() bool {
	sum := sha256.Sum256([]byte(signed))
	switch k := s.private.(type) {
	case *ecdsa.PrivateKey:
		sig := must(ecdsa.SignASN1(rand.Reader, k, sum[:]))
		return func() bool {
			sum := sha256.Sum256([]byte(signed))
			return ecdsa.VerifyASN1(&k.PublicKey, sum[:], sig)
		}
	case ed25519.PrivateKey:
		sig := ed25519.Sign(k, []byte(signed))
		return func() bool { return ed25519.Verify(s.Key.Key.(ed25519.PublicKey), []byte(signed), sig) }
	case *rsa.PrivateKey:
		sig := must(rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:]))
		return func() bool {
			sum := sha256.Sum256([]byte(signed))
			return rsa.VerifyPKCS1v15(&k.PublicKey, crypto.SHA256, sum[:], sig) == nil
		}
	}
	mac := func() []byte {
		h := hmac.New(sha256.New, s.private.([]byte))
		h.Write([]byte(signed))
		return h.Sum(nil)
	}
	want := mac()
	return func() bool { return hmac.Equal(mac(), want) }
}
