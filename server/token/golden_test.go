package token_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

var update = flag.Bool("update", false, "write testdata/tokens.golden anew")

// odd is what JSON escapes, what encoding/json escapes besides (for HTML and JavaScript), what it leaves alone, and what is no Unicode.
const odd = "<b>&amp;\"\\/\t\n\x00\x1f\x7f ü 漢 😀 \u2028\u2029\ufffd \xff\xed\xa0\x80"

// Tokens are what they were in the versions before, to the byte: those that are out must be read, and a repeated answer
// may come from another version. Only jti, which is random, is cut out, with the signature over it.
func TestTokensStayWhatTheyWere(t *testing.T) {
	var text strings.Builder
	for name, minted := range goldenTokens(t) {
		header, claims := parts(t, minted)
		if random := jti.MatchString(claims); random {
			minted = "..."
		}
		fmt.Fprintf(&text, "%s\n%s\n%s\n%s\n\n", name, header, jti.ReplaceAllString(claims, `"jti":"..."`), minted)
	}
	const path = "testdata/tokens.golden"
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, text.String(), want)
	}
}

// goldenTokens makes a token of each kind and shape, with keys that are the same each time.
func goldenTokens(t *testing.T) func(yield func(name, minted string) bool) {
	m, key := masterOf(t, 1), ed25519Key(t)
	r, ring := refresher(m, issued), ringOf(t, key)
	tokens := map[string]func() (string, error){
		"id": func() (string, error) { return ring.MintID(idOf(token.EdDSA)) },
		"id with claims": func() (string, error) {
			id := idOf(token.EdDSA)
			id.Claims = map[string]any{"name": odd, "email_verified": true, "iss": "not this one"}
			return ring.MintID(id)
		},
		"logout": func() (string, error) {
			return ring.MintLogout(token.Logout{Alg: token.EdDSA, Issuer: issuer, Subject: "u-ann", ClientID: "app", SessionID: "s1",
				IssuedAt: issued, ExpireAt: issued.Add(2 * time.Minute)})
		},
		"revocations": func() (string, error) {
			signed, err := key.SignRevocations(scopes.RevocationList{
				Issuer: issuer, URL: issuer + "/revocations", IssuedAt: issued, ExpiresAt: issued.Add(3 * time.Minute), TTL: 5 * time.Second,
				Revoked: scopes.NewRevocations(scopes.RevokedToken("j-1"), scopes.RevokedSubject("u-ann", issued)),
			})
			return string(signed), err
		},
	}
	for name, a := range accessTokens() {
		tokens["access "+name] = func() (string, error) { return ring.MintAccess(a) }
	}
	for name, row := range refreshTokens() {
		tokens["refresh "+name] = func() (string, error) { return r.Mint(row) }
	}
	return func(yield func(name, minted string) bool) {
		for _, name := range slices.Sorted(maps.Keys(tokens)) {
			minted, err := tokens[name]()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !yield(name, minted) {
				return
			}
		}
	}
}

// accessTokens are of all shapes.
func accessTokens() map[string]token.Access {
	shapes := map[string]token.Access{"of a user": access()}
	shape := func(name string, change func(*token.Access)) {
		a := access()
		change(&a)
		shapes[name] = a
	}
	shape("of a client", func(a *token.Access) { a.Subject, a.GrantID, a.AuthTime = "app", "", time.Time{} })
	shape("for several", func(a *token.Access) {
		a.Audience = []string{"https://api.example", "https://b.example/?q=1&r=<2>", odd}
	})
	shape("for nobody", func(a *token.Access) { a.Audience = nil })
	shape("without scope", func(a *token.Access) { a.Scope = nil })
	shape("of nobody", func(a *token.Access) { *a = token.Access{IssuedAt: a.IssuedAt, ExpireAt: a.ExpireAt} })
	shape("odd", func(a *token.Access) {
		a.Issuer, a.Subject, a.ClientID, a.GrantID, a.Scope = issuer+"/"+odd, odd, "c\\d", odd, scopes.Set{"a&b", "<c>", odd}
	})
	shape("of times within seconds, elsewhere", func(a *token.Access) {
		a.IssuedAt = a.IssuedAt.Add(999 * time.Millisecond).In(time.FixedZone("elsewhere", 7200))
		a.ExpireAt, a.AuthTime = a.ExpireAt.Add(time.Nanosecond), time.Unix(-1, 5)
	})
	return shapes
}

// refreshTokens are of all shapes.
func refreshTokens() map[string]token.Refresh {
	shapes := map[string]token.Refresh{"usual": row()}
	shape := func(name string, change func(*token.Refresh)) {
		r := row()
		change(&r)
		shapes[name] = r
	}
	shape("without scope", func(r *token.Refresh) { r.Scope = nil })
	shape("of nobody", func(r *token.Refresh) { *r = token.Refresh{IssuedAt: r.IssuedAt, ExpireAt: r.ExpireAt} })
	shape("of the last generation", func(r *token.Refresh) { r.Generation = 1<<63 - 1 })
	shape("odd", func(r *token.Refresh) {
		r.Subject, r.ClientID, r.GrantID, r.Scope = odd, "c\\d", odd, scopes.Set{"a&b", "<c>", odd}
	})
	return shapes
}

// ed25519Key is the same each time, and so are the signatures that it makes (RFC 8032 §5.1.6).
func ed25519Key(t testing.TB) token.SigningKey {
	t.Helper()
	private, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	m := masterOf(t, 1)
	key, err := token.OpenKey(m, "golden", token.EdDSA, issued, m.SealPlain("golden", private))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
