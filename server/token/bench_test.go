package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/grantd/grantd/server/token"
)

func BenchmarkMintAccess(b *testing.B) {
	for _, k := range keysOfAllAlgs(b) {
		b.Run(k.Alg, func(b *testing.B) {
			ring := ringOf(b, k)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ring.MintAccess(access()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRawSign is the arithmetic of MintAccess that nothing can avoid: hash and signature, by the standard library alone.
func BenchmarkRawSign(b *testing.B) {
	for _, k := range keysOfAllAlgs(b) {
		minted, err := ringOf(b, k).MintAccess(access())
		if err != nil {
			b.Fatal(err)
		}
		sign := rawSign(b, k, []byte(minted[:strings.LastIndexByte(minted, '.')]))
		b.Run(k.Alg, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sign()
			}
		})
	}
}

// rawSign signs text as k does.
func rawSign(b *testing.B, k token.SigningKey, text []byte) func() []byte {
	var sign func() ([]byte, error)
	switch private := k.Private().(type) {
	case *ecdsa.PrivateKey:
		sign = func() ([]byte, error) {
			sum := sha256.Sum256(text)
			return ecdsa.SignASN1(rand.Reader, private, sum[:])
		}
	case ed25519.PrivateKey:
		sign = func() ([]byte, error) { return ed25519.Sign(private, text), nil }
	case *rsa.PrivateKey:
		sign = func() ([]byte, error) {
			sum := sha256.Sum256(text)
			return rsa.SignPKCS1v15(nil, private, crypto.SHA256, sum[:])
		}
	case []byte:
		sign = func() ([]byte, error) { return rawMAC(private, text), nil }
	}
	return func() []byte {
		signature, err := sign()
		if err != nil {
			b.Fatal(err)
		}
		return signature
	}
}

func rawMAC(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return mac.Sum(nil)
}

func BenchmarkMintRefresh(b *testing.B) {
	r := refresher(masterOf(b, 1), issued)
	b.ReportAllocs()
	for b.Loop() {
		mint(b, r, row())
	}
}

func BenchmarkReadRefresh(b *testing.B) {
	r := refresher(masterOf(b, 1), issued)
	minted := mint(b, r, row())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Read(minted); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRawMAC is the arithmetic of a refresh token, minted or read.
func BenchmarkRawMAC(b *testing.B) {
	m := masterOf(b, 1)
	minted := mint(b, refresher(m, issued), row())
	text := []byte(minted[:strings.LastIndexByte(minted, '.')])
	b.ReportAllocs()
	for b.Loop() {
		rawMAC(m.MACKey(), text)
	}
}

func keysOfAllAlgs(t testing.TB) []token.SigningKey {
	t.Helper()
	shared, err := token.SharedKey([]byte("a shared secret of 32 bytes, at least"))
	if err != nil {
		t.Fatal(err)
	}
	return []token.SigningKey{generate(t, token.ES256, issued), generate(t, token.EdDSA, issued), generate(t, token.RS256, issued), shared}
}

func ringOf(t testing.TB, k token.SigningKey) *token.Ring {
	t.Helper()
	ring, err := token.NewRing(k.Alg, []token.SigningKey{k})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}
