package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
)

// Signing algorithms (RFC 7518 §3.1, RFC 8037 §3.1). HS256 is for access tokens alone.
const (
	ES256 = "ES256"
	EdDSA = "EdDSA"
	RS256 = "RS256"
	HS256 = "HS256"
)

// SharedKeyID is the kid of access tokens that are MACed with tokens.shared_secret.
const SharedKeyID = "shared"

// SigningKey signs tokens from SignFrom until the next key of its
// algorithm takes over.
type SigningKey struct {
	ID       string
	Alg      string
	SignFrom time.Time

	private any // crypto.Signer, or *mac for HS256
	public  any // crypto.PublicKey, or []byte for HS256
	method  jwt.SigningMethod
	access  string // the header of access tokens
}

// GenerateKey makes a new key pair for alg that signs from signFrom on.
func GenerateKey(alg string, signFrom time.Time) (SigningKey, error) {
	signer, err := generate(alg)
	if err != nil {
		return SigningKey{}, err
	}
	return newSigningKey(rand.Text(), alg, signFrom, signer)
}

func generate(alg string) (crypto.Signer, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case RS256:
		return rsa.GenerateKey(rand.Reader, 2048) // RFC 7518 §3.3: or larger; this size is signed with at each sign-in
	}
	return nil, fmt.Errorf("no key pair can be made for algorithm %q; use %s, %s or %s", alg, ES256, EdDSA, RS256)
}

// newSigningKey holds the pair to its algorithm: the column alg of a row is not
// sealed, and no other value in it may bend what a key is used for (RFC 8725 §3.1).
func newSigningKey(id, alg string, signFrom time.Time, signer crypto.Signer) (SigningKey, error) {
	method := jwt.GetSigningMethod(alg)
	var fits bool
	switch k := signer.(type) {
	case *ecdsa.PrivateKey:
		fits = alg == ES256 && k.Curve == elliptic.P256()
		method = es256{jwt.SigningMethodES256}
	case ed25519.PrivateKey:
		fits = alg == EdDSA
	case *rsa.PrivateKey:
		fits = alg == RS256
	}
	if !fits {
		return SigningKey{}, fmt.Errorf("a %T is no key for algorithm %q", signer, alg)
	}
	return SigningKey{
		ID: id, Alg: alg, SignFrom: signFrom, private: signer, public: signer.Public(), method: method, access: headerOf(alg, id, accessType),
	}, nil
}

// minSharedSecret: RFC 7518 §3.2, a key at least as long as the hash.
const minSharedSecret = 32

// SharedKey is the HS256 key made of tokens.shared_secret.
func SharedKey(secret []byte) (SigningKey, error) {
	if len(secret) < minSharedSecret {
		return SigningKey{}, fmt.Errorf("the shared secret of HS256 has %d bytes; it needs %d or more", len(secret), minSharedSecret)
	}
	return SigningKey{
		ID: SharedKeyID, Alg: HS256, private: newMAC(secret), public: secret, method: hs256{jwt.SigningMethodHS256}, access: headerOf(HS256, SharedKeyID, accessType),
	}, nil
}

// Marshal gives the two halves for the database: the public one as PKIX DER,
// the private one as PKCS #8 DER sealed under the master key.
func (k SigningKey) Marshal(m *Master) (public, sealed []byte, err error) {
	if public, err = x509.MarshalPKIXPublicKey(k.public); err != nil {
		return nil, nil, fmt.Errorf("write the public half of key %s: %w", k.ID, err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, nil, fmt.Errorf("write the private half of key %s: %w", k.ID, err)
	}
	return public, m.sealFor(k.ID, private), nil
}

// OpenKey reads a key that Marshal wrote. It returns ErrSealed when m is not
// the master key that sealed it.
func OpenKey(m *Master, id, alg string, signFrom time.Time, sealed []byte) (SigningKey, error) {
	plain, err := m.openFor(id, sealed)
	if err != nil {
		return SigningKey{}, err
	}
	private, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return SigningKey{}, fmt.Errorf("read the private half: %w", err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return SigningKey{}, fmt.Errorf("a %T cannot sign", private)
	}
	return newSigningKey(id, alg, signFrom, signer)
}

// verifier is the half that checks signatures.
func (k SigningKey) verifier() scopes.Key {
	return scopes.Key{ID: k.ID, Alg: k.Alg, Key: k.public}
}
