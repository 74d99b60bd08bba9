package scopes

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/subtle"
	"errors"
	"fmt"
)

// Key is a key that verifies access tokens. It serves one algorithm only, so that no header can talk a
// verifier into taking a public key for a shared secret (RFC 8725 §3.1).
type Key struct {
	// ID is the kid that a token names the key by.
	ID string
	// Alg is ES256, EdDSA, RS256 or HS256.
	Alg string
	// Key is, in the order of Alg, an *ecdsa.PublicKey on P-256, an ed25519.PublicKey, an *rsa.PublicKey of
	// 2048 bits or more, or a []byte of 32 bytes or more.
	Key any
}

// KeySource finds keys by id. StaticKeys, ParseJWKS and JWKS make one.
type KeySource interface {
	// Key gives the key of that id. Its error is ErrUnknownKey when the issuer has no such key; any other
	// error means that it could not be looked up, and a Guard answers 503. Several goroutines may call it.
	Key(ctx context.Context, kid string) (Key, error)
}

// StaticKeys is a KeySource of exactly these keys. It refuses an empty list, an id that is empty or there
// twice, and a key that is weak or does not fit its algorithm.
func StaticKeys(keys ...Key) (KeySource, error) {
	if len(keys) == 0 {
		return nil, errors.New("no keys: give at least one")
	}
	return newKeySet(keys)
}

// keySet is never changed once made.
type keySet map[string]Key

func newKeySet(keys []Key) (keySet, error) {
	set := make(keySet, len(keys))
	for _, k := range keys {
		if err := k.check(); err != nil {
			return nil, fmt.Errorf("key %q: %w", clip(k.ID), err)
		}
		if _, twice := set[k.ID]; twice { // RFC 7517 §4.5: distinct keys use distinct ids.
			return nil, fmt.Errorf("key %q is there twice: give each key an id of its own", clip(k.ID))
		}
		set[k.ID] = k
	}
	return set, nil
}

// Key implements KeySource.
func (s keySet) Key(_ context.Context, kid string) (Key, error) {
	k, ok := s[kid]
	if !ok {
		return Key{}, ErrUnknownKey
	}
	return k, nil
}

func (k Key) check() error {
	if k.ID == "" {
		return errors.New("it has no id: tokens name their key by its id (kid)")
	}
	switch k.Alg {
	case "ES256":
		return checkECDSA(k.Key)
	case "EdDSA":
		return checkEd25519(k.Key)
	case "RS256":
		return checkRSA(k.Key)
	case "HS256":
		return checkSecret(k.Key)
	}
	return fmt.Errorf("algorithm %q is not one of ES256, EdDSA, RS256, HS256", clip(k.Alg))
}

// equal reports whether k and other are the same key for the same algorithm.
func (k Key) equal(other Key) bool {
	if k.Alg != other.Alg {
		return false
	}
	if shared, ok := k.Key.([]byte); ok {
		with, ok := other.Key.([]byte)
		return ok && subtle.ConstantTimeCompare(shared, with) == 1
	}
	if k.Alg != "EdDSA" && k.Key == other.Key { // the same pointer: the commonest case
		return true
	}
	public, ok := k.Key.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(other.Key)
}

// checkECDSA: RFC 7518 §3.4: ES256 is P-256 with SHA-256.
func checkECDSA(key any) error {
	k, ok := key.(*ecdsa.PublicKey)
	if !ok || k == nil {
		return fmt.Errorf("ES256 takes an *ecdsa.PublicKey, not a %T", key)
	}
	if k.Curve != elliptic.P256() {
		return errors.New("ES256 takes a key on the curve P-256")
	}
	//lint:ignore SA1019 Bytes, which refuses a point that is not on the curve, panics without one.
	if k.X == nil || k.Y == nil {
		return errors.New("the ES256 key has no point")
	}
	_, err := k.Bytes()
	return err
}

func checkEd25519(key any) error {
	k, ok := key.(ed25519.PublicKey)
	if !ok || len(k) != ed25519.PublicKeySize {
		return fmt.Errorf("EdDSA takes an ed25519.PublicKey of 32 bytes, not a %T", key)
	}
	return nil
}

// checkRSA: RFC 7518 §3.3: a key of 2048 bits or larger. Past 8192 bits, where crypto/tls stops too, each
// verification takes so long that a few tokens keep a processor busy.
func checkRSA(key any) error {
	k, ok := key.(*rsa.PublicKey)
	if !ok || k == nil || k.N == nil {
		return fmt.Errorf("RS256 takes an *rsa.PublicKey, not a %T", key)
	}
	if n := k.N.BitLen(); n < 2048 || n > 8192 {
		return fmt.Errorf("RS256 takes a key of 2048 to 8192 bits, not %d", n)
	}
	if k.E < 3 || k.E%2 == 0 {
		return fmt.Errorf("RS256 takes an odd exponent above 1, not %d", k.E)
	}
	return nil
}

// checkSecret: RFC 7518 §3.2: a key at least as long as the hash.
func checkSecret(key any) error {
	k, ok := key.([]byte)
	if !ok {
		return fmt.Errorf("HS256 takes a []byte, not a %T", key)
	}
	if len(k) < 32 {
		return fmt.Errorf("HS256 takes a secret of 32 bytes or more, not %d", len(k))
	}
	return nil
}
