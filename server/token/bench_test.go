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
			ring, a := ringOf(b, k), access()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ring.MintAccess(a); err != nil {
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
		sign := rawSign(k, []byte(minted[:strings.LastIndexByte(minted, '.')]))
		b.Run(k.Alg, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := sign(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// rawSign signs text as k does.
func rawSign(k token.SigningKey, text []byte) func() ([]byte, error) {
	switch private := k.Private().(type) {
	case *ecdsa.PrivateKey:
		return func() ([]byte, error) {
			sum := sha256.Sum256(text)
			return ecdsa.SignASN1(rand.Reader, private, sum[:])
		}
	case ed25519.PrivateKey:
		return func() ([]byte, error) { return ed25519.Sign(private, text), nil }
	case *rsa.PrivateKey:
		return func() ([]byte, error) {
			sum := sha256.Sum256(text)
			return rsa.SignPKCS1v15(nil, private, crypto.SHA256, sum[:])
		}
	}
	return func() ([]byte, error) { return rawMAC(k.Private().([]byte), text), nil }
}

func rawMAC(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return mac.Sum(nil)
}

func BenchmarkMintRefresh(b *testing.B) {
	r, row := refresher(masterOf(b, 1), issued), row()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Mint(row); err != nil {
			b.Fatal(err)
		}
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
