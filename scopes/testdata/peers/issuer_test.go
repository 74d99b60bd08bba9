package peers

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

const (
	issuerURL = "https://auth.example.com"
	audience  = "https://api.example.com"
)

var algorithms = []string{token.ES256, token.EdDSA, token.RS256}

// issuer has a key for each algorithm, and publishes them over HTTP.
type issuer struct {
	rings map[string]*token.Ring
	// odd signs what no Ring would mint. It is published like the others: a service must not take a token for
	// an access token because the issuer signed it.
	odd     *ecdsa.PrivateKey
	jwks    string // the URL
	fetches atomic.Int64
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// signingKeys are the same for all issuers, for making an RSA key takes a second.
var signingKeys = sync.OnceValue(func() []token.SigningKey {
	var keys []token.SigningKey
	for _, alg := range algorithms {
		keys = append(keys, must(token.GenerateKey(alg, time.Now())))
	}
	return keys
})

func newIssuer(tb testing.TB) *issuer {
	is := &issuer{
		rings: map[string]*token.Ring{},
		odd:   must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
	}
	for _, alg := range algorithms {
		is.rings[alg] = must(token.NewRing(alg, signingKeys()))
	}
	set := bytes.Replace(is.rings[token.ES256].JWKS(), []byte("["), []byte("["+oddJWK(is.odd)+","), 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		is.fetches.Add(1)
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_, _ = w.Write(set)
	}))
	tb.Cleanup(server.Close)
	is.jwks = server.URL + "/.well-known/jwks.json"
	return is
}

func oddJWK(key *ecdsa.PrivateKey) string {
	point := must(key.PublicKey.Bytes())[1:] // behind the byte that says "not compressed"
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"odd","x":%q,"y":%q}`, encode(point[:32]), encode(point[32:]))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// mint makes an access token as a grantd server does.
func (is *issuer) mint(alg string, changes ...func(*token.Access)) string {
	now := time.Now()
	a := token.Access{
		Issuer: issuerURL, Subject: rand.Text(), ClientID: "web-app", Audience: []string{audience},
		Scope: scopes.Set{"me", "items", "items:write"}, GrantID: rand.Text(),
		IssuedAt: now.Add(-time.Minute), ExpireAt: now.Add(14 * time.Minute), AuthTime: now.Add(-time.Hour),
	}
	for _, change := range changes {
		change(&a)
	}
	return must(is.rings[alg].MintAccess(a))
}

// key is the key that verifies what mint signs.
func (is *issuer) key(tb testing.TB, alg string) any {
	signer := must(is.rings[alg].Signer(time.Now()))
	return must(is.rings[alg].Key(tb.Context(), signer.ID)).Key
}

const oddHeader = `{"alg":"ES256","kid":"odd","typ":"at+jwt"}`

func oddClaims() string {
	now := time.Now().Unix()
	return fmt.Sprintf(`{"iss":%q,"sub":"u-1","aud":[%q],"exp":%d,"iat":%d,"jti":"j-1","client_id":"web-app","scope":"me items"}`,
		issuerURL, audience, now+600, now-60)
}

// sign signs header and claims as they stand, with the published key odd.
func (is *issuer) sign(header, claims string) string {
	text := encode([]byte(header)) + "." + encode([]byte(claims))
	return text + "." + encode(must(jwt.SigningMethodES256.Sign(text, is.odd)))
}

// edit replaces the one place of old in text.
func edit(text, old, new string) string {
	if strings.Count(text, old) != 1 {
		panic(fmt.Sprintf("%q is not there once: %s", old, text))
	}
	return strings.Replace(text, old, new, 1)
}
