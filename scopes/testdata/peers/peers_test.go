package peers

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/grantd/grantd/server/token"
)

const (
	all  = "scopes keyfunc go-oidc jwx auth0"
	jwts = "keyfunc go-oidc jwx auth0" // all that know JWTs, but not the profile of RFC 9068
)

// TestPeersAgree has for each token which libraries let it through: as they are, and with typ checked by hand.
// Not each difference is a danger: a key that the token brings along is passed over by all of them, and scopes
// refuses the token because nobody honest sends it.
func TestPeersAgree(t *testing.T) {
	is := newIssuer(t)
	libraries := openAll(t, is, strings.Fields(all)...)
	good, claims := is.mint(token.ES256), oddClaims()
	for _, c := range []struct {
		name, token     string
		alone, withType string
	}{
		{"9068-2 as grantd mints it", good, all, all},
		{"9068-2 signed by the key of those below", is.sign(oddHeader, claims), all, all},
		{"9068-4 expired", is.mint(token.ES256, func(a *token.Access) { a.ExpireAt = time.Now().Add(-2 * leeway) }), "", ""},
		{"9068-4 another audience", is.mint(token.ES256, func(a *token.Access) { a.Audience = []string{"https://other.example.com"} }), "", ""},
		{"9068-4 another issuer", is.mint(token.ES256, func(a *token.Access) { a.Issuer = "https://auth.example.org" }), "", ""},
		{"9068-4 alg none", encode([]byte(edit(oddHeader, "ES256", "none"))) + "." + encode([]byte(claims)) + ".", "", ""},
		{"9068-4 tampered with", tamper(good), "", ""},
		{"9068-4 unknown key", is.sign(edit(oddHeader, "odd", "even"), claims), "", ""},
		{"8725-2.1 the public key as a secret", confuse(is, claims), "", ""},
		{"7519-4.1.5 not yet valid", is.sign(oddHeader, edit(claims, "{", `{"nbf":4000000000,`)), "", ""},

		{"9068-4 typ of an ID token", is.sign(edit(oddHeader, "at+jwt", "JWT"), claims), jwts, ""},
		{"9068-4 no typ", is.sign(edit(oddHeader, `,"typ":"at+jwt"`, ""), claims), jwts, ""},
		{"9068-2.2 no exp", is.sign(oddHeader, edit(claims, `"exp"`, `"expires"`)), "auth0", "auth0"},
		{"9068-2.2 no iat", is.sign(oddHeader, edit(claims, `"iat"`, `"issued"`)), jwts, jwts},
		{"9068-2.2 no sub", is.sign(oddHeader, edit(claims, `"sub"`, `"subject"`)), jwts, jwts},
		{"9068-2.2 no client_id", is.sign(oddHeader, edit(claims, `"client_id"`, `"azp"`)), jwts, jwts},
		{"7519-4 two scopes", is.sign(oddHeader, edit(claims, "{", `{"scope":"",`)), "keyfunc go-oidc jwx", "keyfunc go-oidc jwx"},
		{"7515-4.1.11 a critical extension", is.sign(edit(oddHeader, "{", `{"crit":["urn:x"],"urn:x":1,`), claims), "keyfunc jwx", "keyfunc jwx"},
		{"7515-4.1.4 no kid", is.sign(edit(oddHeader, `"kid":"odd",`, ""), claims), "keyfunc go-oidc", "keyfunc go-oidc"},
		{"8725-3.10 a key of its own", is.sign(edit(oddHeader, "{", `{"jwk":`+oddJWK(is.odd)+`,`), claims), jwts, jwts},
		{"7515-2 a line break", good[:len(good)-9] + "\n" + good[len(good)-9:], jwts, jwts},
		{"4648-3.5 another last character", loosen(good), jwts, jwts},
	} {
		t.Run(c.name, func(t *testing.T) {
			alone, withType := through(t, libraries, c.token)
			if alone != c.alone || withType != c.withType {
				t.Errorf("let through\n alone     %q, want %q\n with type %q, want %q", alone, c.alone, withType, c.withType)
			}
		})
	}
}

// openAll opens the libraries of these names.
func openAll(t *testing.T, is *issuer, names ...string) map[string]verify {
	libraries := map[string]verify{}
	for _, c := range contenders {
		if slices.Contains(names, c.name) {
			libraries[c.name] = c.open(t, is, token.ES256)
		}
	}
	return libraries
}

// through gives the names of the libraries that accept a token.
func through(t *testing.T, libraries map[string]verify, jwt string) (alone, withType string) {
	var some, checked []string
	for _, c := range contenders {
		if _, err := libraries[c.name](t.Context(), jwt); err == nil {
			some = append(some, c.name)
		}
		if _, err := libraries[c.name].checked(t.Context(), jwt); err == nil {
			checked = append(checked, c.name)
		}
	}
	return strings.Join(some, " "), strings.Join(checked, " ")
}

// TestUnknownKeys sends tokens that name keys nobody has, as anybody can: how often is the issuer asked?
func TestUnknownKeys(t *testing.T) {
	const tokens, often = 500, 10
	for _, c := range []struct {
		name        string
		least, most int64
	}{
		{"scopes", 0, 1},          // once in 30 seconds
		{"keyfunc", 1, 1},         // once in 5 minutes
		{"go-oidc", often, often}, // each time, but for those that wait for the same answer
		{"jwx", 0, 1},             // its background may be at it still
		{"auth0", 0, 0},           // by the clock alone: a new key waits for the end of the interval
	} {
		t.Run(c.name, func(t *testing.T) {
			is := newIssuer(t)
			v := openAll(t, is, c.name)[c.name]
			if _, err := v(t.Context(), is.mint(token.ES256)); err != nil {
				t.Fatal(err)
			}
			before := is.fetches.Load()
			for sent := 0; sent < tokens && is.fetches.Load()-before < often; sent++ {
				if _, err := v(t.Context(), is.sign(edit(oddHeader, "odd", rand.Text()), oddClaims())); err == nil {
					t.Fatal("a key that does not exist")
				}
			}
			if n := is.fetches.Load() - before; n < c.least || n > c.most {
				t.Errorf("%d fetches, want %d to %d", n, c.least, c.most)
			}
		})
	}
}

// tamper makes another client of the one in the claims, and leaves the signature.
func tamper(jwt string) string {
	parts := strings.Split(jwt, ".")
	claims := must(base64.RawURLEncoding.DecodeString(parts[1]))
	parts[1] = encode([]byte(edit(string(claims), "web-app", "the-app")))
	return strings.Join(parts, ".")
}

// confuse MACs claims with the public key, as text (RFC 8725 §2.1).
func confuse(is *issuer, claims string) string {
	der := must(x509.MarshalPKIXPublicKey(&is.odd.PublicKey))
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	text := encode([]byte(edit(oddHeader, "ES256", "HS256"))) + "." + encode([]byte(claims))
	return text + "." + encode(must(jwt.SigningMethodHS256.Sign(text, secret)))
}

// loosen sets the bits of the last character that mean nothing: another text for the same signature.
func loosen(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(token) - 1
	return token[:last] + string(alphabet[strings.IndexByte(alphabet, token[last])|1])
}
