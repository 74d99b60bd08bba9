package peers

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

// check is what a benchmark measures: one validation of a token. Its keys are there before the timer starts.
type check func(ctx context.Context, token string) error

// BenchmarkVerify is a token at first sight: a signature and all that goes with it.
func BenchmarkVerify(b *testing.B) {
	is := newIssuer(b)
	b.Run("raw", func(b *testing.B) {
		for _, alg := range algorithms {
			b.Run(alg, func(b *testing.B) {
				jwt := is.mint(alg)
				bench(b, raw(jwt, alg, is.key(b, alg)), jwt)
			})
		}
	})
	b.Run("scopes", func(b *testing.B) { benchScopes(b, is, scopes.VerifierOptions{CacheSize: -1}) })
	benchPeers(b, is)
}

// BenchmarkVerifyAgain is the same token again, as in the requests of a client that keeps its token for minutes.
// Of the contenders only scopes remembers what it has verified.
func BenchmarkVerifyAgain(b *testing.B) {
	is := newIssuer(b)
	b.Run("scopes", func(b *testing.B) { benchScopes(b, is, scopes.VerifierOptions{}) })
	benchPeers(b, is)
}

func benchScopes(b *testing.B, is *issuer, o scopes.VerifierOptions) {
	for _, alg := range algorithms {
		b.Run(alg, func(b *testing.B) {
			v := openScopes(b, is, o)
			bench(b, func(ctx context.Context, jwt string) error {
				_, err := v.Verify(ctx, jwt)
				return err
			}, is.mint(alg))
		})
	}
}

func benchPeers(b *testing.B, is *issuer) {
	for _, c := range contenders[1:] {
		b.Run(c.name, func(b *testing.B) {
			for _, alg := range algorithms {
				b.Run(alg, func(b *testing.B) {
					v := c.open(b, is, alg)
					bench(b, func(ctx context.Context, jwt string) error {
						_, err := v.checked(ctx, jwt)
						return err
					}, is.mint(alg))
				})
			}
		})
	}
}

func bench(b *testing.B, f check, jwt string) {
	b.ReportAllocs()
	ctx := b.Context()
	if err := f(ctx, jwt); err != nil { // fetches the keys
		b.Fatal(err)
	}
	for b.Loop() {
		if err := f(ctx, jwt); err != nil {
			b.Fatal(err)
		}
	}
}

// raw is the limit: the signature over the text of one token, which is taken apart beforehand.
func raw(jwt, alg string, key any) check {
	end := strings.LastIndexByte(jwt, '.')
	text := []byte(jwt[:end])
	signature := must(base64.RawURLEncoding.DecodeString(jwt[end+1:]))
	if alg == token.ES256 {
		signature = must(asn1.Marshal([]*big.Int{new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])}))
	}
	wrong := errors.New("wrong signature")
	return func(context.Context, string) error {
		var ok bool
		switch key := key.(type) {
		case *ecdsa.PublicKey:
			sum := sha256.Sum256(text)
			ok = ecdsa.VerifyASN1(key, sum[:], signature)
		case ed25519.PublicKey:
			ok = ed25519.Verify(key, text, signature)
		case *rsa.PublicKey:
			sum := sha256.Sum256(text)
			ok = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
		}
		if !ok {
			return wrong
		}
		return nil
	}
}
