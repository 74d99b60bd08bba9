package scopes

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// FuzzES256 compares what signatures pass with golang-jwt, which has signatures of all lengths of their numbers.
func FuzzES256(f *testing.F) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	const text = "header.payload"
	good, err := jwt.SigningMethodES256.Sign(text, private)
	if err != nil {
		f.Fatal(err)
	}
	n := private.Params().N
	s := new(big.Int).SetBytes(good[32:])
	for _, other := range [][]byte{
		{}, good[:63], append(bytes.Clone(good), 0), slices.Insert(bytes.Clone(good), 32, 0), make([]byte, 64), bytes.Repeat([]byte{0xff}, 64),
		append(bytes.Clone(good[:32]), make([]byte, 32)...), append(make([]byte, 32), good[32:]...),
		append(bytes.Clone(good[:32]), new(big.Int).Sub(n, s).FillBytes(make([]byte, 32))...), // valid, too
		append(n.FillBytes(make([]byte, 32)), good[32:]...),
	} {
		f.Add(other)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, signature []byte) {
		got := es256{jwt.SigningMethodES256}.Verify(text, signature, &private.PublicKey)
		want := jwt.SigningMethodES256.Verify(text, signature, &private.PublicKey)
		if !errors.Is(got, want) {
			t.Fatalf("%x gives %v, of golang-jwt %v", signature, got, want)
		}
	})
}

// Every 128th signature has a number that is short.
func TestManySignaturesOfES256(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		signature, err := jwt.SigningMethodES256.Sign("text", private)
		if err != nil {
			t.Fatal(err)
		}
		method := es256{jwt.SigningMethodES256}
		if err := method.Verify("text", signature, &private.PublicKey); err != nil {
			t.Fatalf("%x: %v", signature, err)
		}
		if method.Verify("texT", signature, &private.PublicKey) == nil {
			t.Fatalf("%x is taken for the signature of another text", signature)
		}
	}
}
