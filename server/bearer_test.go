package server_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// forgery is a token that a test puts together. Its zero value, with claims
// from claimsNow, is one that the router takes.
type forgery struct {
	method jwt.SigningMethod // HS256
	key    any               // the shared secret
	header map[string]any    // beside typ at+jwt and kid shared; nil takes one out
	claims map[string]any    // beside claimsNow; nil takes one out
}

func (f forgery) sign(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	if f.method == nil {
		f.method = jwt.SigningMethodHS256
	}
	if f.key == nil {
		f.key = []byte(sharedSecret)
	}
	change(claims, f.claims)
	j := jwt.NewWithClaims(f.method, claims)
	j.Header["typ"], j.Header["kid"] = "at+jwt", token.SharedKeyID
	change(j.Header, f.header)
	signed, err := j.SignedString(f.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func change(m, by map[string]any) {
	for name, value := range by {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
}

// claimsNow are those of an access token that ann granted app just now.
func (s *system) claimsNow() jwt.MapClaims {
	now := s.clock.Now()
	return jwt.MapClaims{
		"iss": s.opts.Issuer, "aud": s.opts.Issuer, "sub": "u-ann", "client_id": "app", "scope": "me items", "gid": "g", "jti": "j",
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
}

func newECKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The cases are signed with the key of the server, but for those about the key:
// nothing but what their names say is wrong with them.
func TestRouterRefusesForgedTokens(t *testing.T) {
	s := newSystem(t, signedWith(token.HS256))
	refresh := s.login("me").str("refresh_token")
	now := s.clock.Now()
	type header = map[string]any
	type claims = map[string]any
	for _, c := range []struct {
		name string
		forgery
		ok bool
	}{
		{"nothing is wrong", forgery{}, true},
		{"9068-4 the long name of the type", forgery{header: header{"typ": "application/at+jwt"}}, true},
		{"a minute of clock skew, late", forgery{claims: claims{"exp": now.Add(-server.Leeway + time.Second).Unix()}}, true},
		{"a minute of clock skew, early", forgery{claims: claims{"iat": now.Add(server.Leeway).Unix()}}, true},

		{"9068-4 typ JWT", forgery{header: header{"typ": "JWT"}}, false},
		{"9068-4 no typ", forgery{header: header{"typ": nil}}, false},
		{"9068-4 typ of a refresh token", forgery{header: header{"typ": "rt+jwt"}}, false},
		{"9068-4 typ is no string", forgery{header: header{"typ": []string{"at+jwt"}}}, false},
		{"9068-4 alg none", forgery{method: jwt.SigningMethodNone, key: jwt.UnsafeAllowNoneSignatureType}, false},
		{"8725-3.1 HS384 with our secret", forgery{method: jwt.SigningMethodHS384}, false},
		{"8725-3.1 HS512 with our secret", forgery{method: jwt.SigningMethodHS512}, false},
		{"8725-3.1 ES256 for the shared key", forgery{method: jwt.SigningMethodES256, key: newECKey(t)}, false},
		{"another key", forgery{key: []byte("another secret of more than thirty-two bytes")}, false},
		{"empty key", forgery{key: []byte{}}, false},
		{"unknown kid", forgery{header: header{"kid": "nobody"}}, false},
		{"no kid", forgery{header: header{"kid": nil}}, false},
		{"8725-3.10 jwk", forgery{header: header{"jwk": header{"kty": "oct", "k": "AAAA"}}}, false},
		{"8725-3.10 jku", forgery{header: header{"jku": s.opts.Issuer + "/.well-known/jwks.json"}}, false},
		{"8725-3.10 x5u", forgery{header: header{"x5u": "https://evil.example/cert"}}, false},
		{"8725-3.10 x5c", forgery{header: header{"x5c": []string{"AAAA"}}}, false},
		{"7515-4.1.11 crit", forgery{header: header{"crit": []string{"exp"}}}, false},
		{"9068-4 another issuer", forgery{claims: claims{"iss": "https://evil.example"}}, false},
		{"9068-4 issuer with a slash more", forgery{claims: claims{"iss": s.opts.Issuer + "/"}}, false},
		{"9068-4 no issuer", forgery{claims: claims{"iss": nil}}, false},
		{"9068-4 another audience", forgery{claims: claims{"aud": "https://api.example"}}, false},
		{"9068-4 no audience", forgery{claims: claims{"aud": nil}}, false},
		{"9068-4 expired", forgery{claims: claims{"exp": now.Add(-server.Leeway).Unix()}}, false},
		{"9068-2.2 no exp", forgery{claims: claims{"exp": nil}}, false},
		{"9068-2.2 no sub", forgery{claims: claims{"sub": nil}}, false},
		{"9068-2.2 no client_id", forgery{claims: claims{"client_id": nil}}, false},
		{"9068-2.2 no iat", forgery{claims: claims{"iat": nil}}, false},
		{"9068-2.2 no jti", forgery{claims: claims{"jti": nil}}, false},
		{"issued in the future", forgery{claims: claims{"iat": now.Add(server.Leeway + time.Second).Unix()}}, false},
		{"7519-4.1.5 not yet", forgery{claims: claims{"nbf": now.Add(server.Leeway + time.Second).Unix()}}, false},
		{"scope is a list", forgery{claims: claims{"scope": []string{"me"}}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := s.get("/status/", bearer(c.sign(t, s.claimsNow())))
			if c.ok {
				res.wantOK(t)
				return
			}
			res.wantChallenge(t, http.StatusUnauthorized, "invalid_token")
		})
	}
	t.Run("a refresh token", func(t *testing.T) {
		s.get("/status/", bearer(refresh)).wantChallenge(t, http.StatusUnauthorized, "invalid_token")
	})
}

// RFC 8725 §2.1: what everybody knows, the public key, is no secret to MAC with;
// nor does a token bring the key that it is to be verified with.
func TestRouterRefusesKeyConfusion(t *testing.T) {
	s := newSystem(t)
	kid := s.published()[0]
	rows, err := s.db.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pkix := rows[slices.IndexFunc(rows, func(k store.SigningKey) bool { return k.ID == kid })].Public
	public, err := x509.ParsePKIXPublicKey(pkix)
	if err != nil {
		t.Fatal(err)
	}
	point, err := public.(*ecdsa.PublicKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	own := newECKey(t)
	ownPoint, err := own.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	ownJWK := map[string]any{"kty": "EC", "crv": "P-256", "x": b64(ownPoint[1:33]), "y": b64(ownPoint[33:]), "kid": kid}
	for _, c := range []struct {
		name string
		forgery
	}{
		{"HS256 with the public key as DER", forgery{key: pkix}},
		{"HS256 with the public key as PEM", forgery{key: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})}},
		{"HS256 with the public key as point", forgery{key: point}},
		{"HS256 with the JWKS", forgery{key: []byte(s.get("/.well-known/jwks.json").body)}},
		{"HS256 with the key id", forgery{key: []byte(kid)}},
		{"ES256 with a key of one's own", forgery{method: jwt.SigningMethodES256, key: own}},
		{"ES256 with a key of one's own, brought along", forgery{method: jwt.SigningMethodES256, key: own, header: map[string]any{"jwk": ownJWK}}},
		{"alg none", forgery{method: jwt.SigningMethodNone, key: jwt.UnsafeAllowNoneSignatureType}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.header == nil {
				c.header = map[string]any{}
			}
			c.header["kid"] = kid
			s.get("/status/", bearer(c.sign(t, s.claimsNow()))).wantChallenge(t, http.StatusUnauthorized, "invalid_token")
		})
	}
}

// RFC 7519 §4: names must be unique. Whoever looked at the token before us may
// have seen the other claim.
func TestRouterRefusesRepeatedClaims(t *testing.T) {
	s := newSystem(t, signedWith(token.HS256))
	claims, err := json.Marshal(s.claimsNow())
	if err != nil {
		t.Fatal(err)
	}
	sign := func(claims []byte) string {
		b64 := base64.RawURLEncoding
		body := b64.EncodeToString([]byte(`{"alg":"HS256","typ":"at+jwt","kid":"shared"}`)) + "." + b64.EncodeToString(claims)
		mac, err := jwt.SigningMethodHS256.Sign(body, []byte(sharedSecret))
		if err != nil {
			t.Fatal(err)
		}
		return body + "." + b64.EncodeToString(mac)
	}
	s.get("/status/", bearer(sign(claims))).wantOK(t)
	twice := bytes.Replace(claims, []byte(`"scope":`), []byte(`"scope":"me","scope":`), 1)
	s.get("/status/", bearer(sign(twice))).wantChallenge(t, http.StatusUnauthorized, "invalid_token")
}

// Altered anywhere, an access token is none.
func TestRouterRefusesAlteredTokens(t *testing.T) {
	s := newSystem(t, signedWith(token.EdDSA))
	access := s.login("me").str("access_token")
	s.get("/status/", bearer(access)).wantOK(t)
	for i := 0; i < len(access); i += 7 {
		altered := []byte(access)
		if altered[i]++; altered[i] == '{' || altered[i] == ':' || altered[i] == '[' || altered[i] == '`' {
			altered[i] = 'A' // keep to the alphabet, so that the signature is what refuses it
		}
		if res := s.get("/status/", bearer(string(altered))); res.StatusCode == http.StatusOK {
			t.Errorf("byte %d altered and accepted", i)
		}
	}
	for _, n := range []int{1, 2, len(access) / 2} {
		if res := s.get("/status/", bearer(access[:len(access)-n])); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%d bytes short: %d", n, res.StatusCode)
		}
	}
}
