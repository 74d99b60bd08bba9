package scopes_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/grantd/grantd/scopes"
)

const (
	issuer   = "https://auth.example.com"
	audience = "https://api.example.com"
	metadata = audience + "/.well-known/oauth-protected-resource"
)

var now = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// signer is a key pair of the issuer, or of somebody else.
type signer struct {
	scopes.Key
	private any
}

var (
	es256 = newES256("es")
	eddsa = newEdDSA("ed")
	rs256 = newRS256("rs", 2048)
	hs256 = signer{scopes.Key{ID: "hs", Alg: "HS256", Key: secret}, secret}

	secret  = []byte("0123456789abcdef0123456789abcdef")
	signers = []signer{es256, eddsa, rs256, hs256}
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newES256(kid string) signer {
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return signer{scopes.Key{ID: kid, Alg: "ES256", Key: &private.PublicKey}, private}
}

func newEdDSA(kid string) signer {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(public, err)
	return signer{scopes.Key{ID: kid, Alg: "EdDSA", Key: public}, private}
}

func newRS256(kid string, bits int) signer {
	private := must(rsa.GenerateKey(rand.Reader, bits))
	return signer{scopes.Key{ID: kid, Alg: "RS256", Key: &private.PublicKey}, private}
}

// edit changes a token before it is signed.
type edit func(header, claims map[string]any)

func header(name string, value any) edit { return func(h, _ map[string]any) { h[name] = value } }
func claim(name string, value any) edit  { return func(_, c map[string]any) { c[name] = value } }
func noHeader(name string) edit          { return func(h, _ map[string]any) { delete(h, name) } }
func noClaim(name string) edit           { return func(_, c map[string]any) { delete(c, name) } }

// mint signs a token that is valid unless an edit spoils it.
func mint(s signer, edits ...edit) string {
	t := jwt.NewWithClaims(jwt.GetSigningMethod(s.Alg), jwt.MapClaims{
		"iss": issuer, "aud": audience, "sub": "u-1", "client_id": "dev", "jti": "j-1", "gid": "g-1",
		"scope": "me items", "iat": now.Unix(), "exp": now.Add(15 * time.Minute).Unix(),
	})
	t.Header["typ"], t.Header["kid"] = "at+jwt", s.ID
	for _, change := range edits {
		change(t.Header, t.Claims.(jwt.MapClaims))
	}
	return must(t.SignedString(s.private))
}

// sign signs a header and claims as they stand, also those that no JSON writer would write.
func sign(s signer, header, claims string) string {
	text := encode(header) + "." + encode(claims)
	return text + "." + encode(string(must(jwt.GetSigningMethod(s.Alg).Sign(text, s.private))))
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func staticKeys() scopes.KeySource {
	var keys []scopes.Key
	for _, s := range signers {
		keys = append(keys, s.Key)
	}
	return must(scopes.StaticKeys(keys...))
}

func options() scopes.VerifierOptions {
	return scopes.VerifierOptions{Issuer: issuer, Audience: audience, Keys: staticKeys(), Now: func() time.Time { return now }}
}

func newVerifier(t testing.TB, o scopes.VerifierOptions) *scopes.Verifier {
	t.Helper()
	v, err := scopes.NewVerifier(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
