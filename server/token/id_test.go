package token_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

// idRing has a key for each algorithm; access tokens are signed with HS256.
func idRing(t testing.TB) (*token.Ring, map[string]token.SigningKey) {
	t.Helper()
	shared, err := token.SharedKey([]byte(strings.Repeat("s", 32)))
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]token.SigningKey{token.HS256: shared}
	all := []token.SigningKey{shared}
	for _, alg := range token.IDAlgs {
		keys[alg] = generate(t, alg, issued)
		all = append(all, keys[alg])
	}
	ring, err := token.NewRing(token.HS256, all)
	if err != nil {
		t.Fatal(err)
	}
	return ring, keys
}

func idOf(alg string) token.ID {
	return token.ID{
		Alg: alg, Issuer: issuer, Subject: "u-ann", ClientID: "app", IssuedAt: issued, ExpireAt: issued.Add(15 * time.Minute),
		AuthTime: issued.Add(-time.Hour), Nonce: "n-0S6", SessionID: "s1", Access: "an access token",
	}
}

// To the byte: names and types of OpenID Connect Core §2.
func TestIDTokenFormat(t *testing.T) {
	ring, keys := idRing(t)
	sum256, sum512 := sha256.Sum256([]byte("an access token")), sha512.Sum512([]byte("an access token"))
	half256, half512 := base64.RawURLEncoding.EncodeToString(sum256[:16]), base64.RawURLEncoding.EncodeToString(sum512[:32])
	for _, c := range []struct {
		name   string
		id     token.ID
		alg    string
		change string // of the claims
	}{
		{"oidc-core-15.1 RS256 unless the client wants another", idOf(""), token.RS256, ""},
		{"oidc-core-3.1.3.6 at_hash of RS256", idOf(token.RS256), token.RS256, ""},
		{"oidc-core-3.1.3.6 at_hash of ES256", idOf(token.ES256), token.ES256, ""},
		{"oidc-core-3.1.3.6 at_hash of EdDSA", idOf(token.EdDSA), token.EdDSA, half512},
	} {
		t.Run(c.name, func(t *testing.T) {
			minted, err := ring.MintID(c.id)
			if err != nil {
				t.Fatal(err)
			}
			hash := half256
			if c.change != "" {
				hash = c.change
			}
			header, claims := parts(t, minted)
			if want := fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, c.alg, keys[c.alg].ID); header != want {
				t.Errorf("header %s, want %s", header, want)
			}
			want := `{"acr":"1","amr":["pwd"],"at_hash":"` + hash + `","aud":"app","auth_time":1772362800,"exp":1772367300,"iat":1772366400,` +
				`"iss":"https://auth.example","nonce":"n-0S6","sid":"s1","sub":"u-ann"}`
			if claims != want {
				t.Errorf("claims\n %s, want\n %s", claims, want)
			}
			if hint, err := ring.ReadHint(minted, issuer); err != nil || hint != (token.Hint{Subject: "u-ann", ClientID: "app", SessionID: "s1"}) {
				t.Errorf("read back: %+v, %v", hint, err)
			}
		})
	}
}

func TestIDTokenWithout(t *testing.T) {
	ring, _ := idRing(t)
	id := idOf("")
	id.Nonce, id.SessionID = "", ""
	id.Claims = map[string]any{"email": "ann@example.com", "sub": "u-eve", "iss": "https://evil.example"}
	minted, err := ring.MintID(id)
	if err != nil {
		t.Fatal(err)
	}
	_, text := parts(t, minted)
	var claims map[string]any
	if err := json.Unmarshal([]byte(text), &claims); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nonce", "sid"} {
		if _, there := claims[name]; there {
			t.Errorf("%s in %s", name, text)
		}
	}
	if claims["email"] != "ann@example.com" || claims["sub"] != "u-ann" || claims["iss"] != issuer {
		t.Errorf("claims of the user take the place of the token's: %s", text)
	}
}

// Whoever knows the shared secret of access tokens must not be able to sign anybody in.
func TestIDTokensAreNotMACed(t *testing.T) {
	ring, _ := idRing(t)
	if _, err := ring.MintID(idOf(token.HS256)); err == nil {
		t.Error("an ID token was signed with the shared secret")
	}
	if _, err := ring.MintLogout(token.Logout{Alg: token.HS256}); err == nil {
		t.Error("a logout token was signed with the shared secret")
	}
	if _, err := ring.MintID(idOf("ES512")); err == nil {
		t.Error("an ID token was signed with an unknown algorithm")
	}
}

func TestLogoutTokenFormat(t *testing.T) {
	ring, keys := idRing(t)
	minted, err := ring.MintLogout(token.Logout{
		Alg: token.ES256, Issuer: issuer, Subject: "u-ann", ClientID: "app", SessionID: "s1", IssuedAt: issued, ExpireAt: issued.Add(2 * time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	header, claims := parts(t, minted)
	t.Run("oidc-backchannel-2.4 header", func(t *testing.T) {
		if want := fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"logout+jwt"}`, keys[token.ES256].ID); header != want {
			t.Errorf("header %s, want %s", header, want)
		}
	})
	t.Run("oidc-backchannel-2.4 claims, and no nonce", func(t *testing.T) {
		want := `{"aud":"app","events":{"http://schemas.openid.net/event/backchannel-logout":{}},"exp":1772366520,"iat":1772366400,` +
			`"iss":"https://auth.example","jti":"...","sid":"s1","sub":"u-ann"}`
		if got := jti.ReplaceAllString(claims, `"jti":"..."`); got != want {
			t.Errorf("claims\n %s, want\n %s", got, want)
		}
	})
}

// forged is an ID token that a test signs itself.
func forged(t testing.TB, method jwt.SigningMethod, key any, header, change map[string]any) string {
	t.Helper()
	claims := jwt.MapClaims{"iss": issuer, "sub": "u-ann", "aud": "app", "sid": "s1", "exp": issued.Unix()}
	for name, v := range change {
		claims[name] = v
	}
	j := jwt.NewWithClaims(method, claims)
	j.Header["typ"] = "JWT"
	for name, v := range header {
		j.Header[name] = v
	}
	signed, err := j.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestHintIsRefused(t *testing.T) {
	ring, keys := idRing(t)
	es := keys[token.ES256]
	of := func(header, change map[string]any) string {
		if header["kid"] == nil {
			header["kid"] = es.ID
		}
		return forged(t, jwt.SigningMethodES256, es.Private(), header, change)
	}
	type m = map[string]any
	if _, err := ring.ReadHint(of(m{}, nil), issuer); err != nil {
		t.Fatalf("what is right was refused, expired as it is: %v", err)
	}
	access, err := ring.MintAccess(token.Access{Issuer: issuer, Subject: "u-ann", ClientID: "app", Audience: []string{"app"}, Scope: scopes.Set{"me"}, IssuedAt: issued, ExpireAt: issued})
	if err != nil {
		t.Fatal(err)
	}
	logout, err := ring.MintLogout(token.Logout{Issuer: issuer, Subject: "u-ann", ClientID: "app", SessionID: "s1", IssuedAt: issued, ExpireAt: issued})
	if err != nil {
		t.Fatal(err)
	}
	id, err := ring.MintID(idOf(""))
	if err != nil {
		t.Fatal(err)
	}
	stranger := generate(t, token.ES256, issued)
	unsigned := forged(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, m{"kid": es.ID}, nil)
	for name, hint := range map[string]string{
		"nothing":                               "",
		"no JWT":                                "a.b.c",
		"8725-3.11 an access token":             access,
		"8725-3.11 a logout token":              logout,
		"8725-3.11 another typ":                 of(m{"typ": "at+jwt"}, nil),
		"8725-3.1 not signed":                   unsigned,
		"8725-3.1 with another's key":           forged(t, jwt.SigningMethodES256, stranger.Private(), m{"kid": es.ID}, nil),
		"8725-3.1 the algorithm of another key": of(m{"kid": keys[token.RS256].ID}, nil),
		"8725-3.1 MACed with the shared secret": forged(t, jwt.SigningMethodHS256, []byte(strings.Repeat("s", 32)), m{"kid": token.SharedKeyID}, nil),
		"an unknown key":                        of(m{"kid": "other"}, nil),
		"another issuer":                        of(m{}, m{"iss": "https://evil.example"}),
		"no subject":                            of(m{}, m{"sub": ""}),
		"for two clients":                       of(m{}, m{"aud": []string{"app", "other"}}),
		"for nobody":                            of(m{}, m{"aud": nil}),
		"altered":                               id[:len(id)-10] + "AAAAAAAAAA",
		"with a line break":                     id + "\n",
		"too long":                              of(m{}, m{"x": strings.Repeat("x", 16<<10)}),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := ring.ReadHint(hint, issuer); !errors.Is(err, token.ErrNotID) || got != (token.Hint{}) {
				t.Errorf("read as %+v, error %v", got, err)
			}
		})
	}
}

// 8725-3.11: nor is an ID token taken for an access token.
func TestIDTokenIsNoAccessToken(t *testing.T) {
	ring, _ := idRing(t)
	v, err := scopes.NewVerifier(scopes.VerifierOptions{Issuer: issuer, Audience: "app", Keys: ring, Now: func() time.Time { return issued }})
	if err != nil {
		t.Fatal(err)
	}
	id := idOf(token.ES256)
	id.Claims = map[string]any{"client_id": "app", "jti": "1", "scope": "me"}
	minted, err := ring.MintID(id)
	if err != nil {
		t.Fatal(err)
	}
	var refused *scopes.Error
	if _, err := v.Verify(t.Context(), minted); !errors.As(err, &refused) || refused.Kind != scopes.WrongType {
		t.Errorf("error %v, want that of another type", err)
	}
}

func FuzzReadHint(f *testing.F) {
	ring, _ := idRing(f)
	id, err := ring.MintID(idOf(""))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(id)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, hint string) {
		if got, err := ring.ReadHint(hint, issuer); (err == nil) != (hint == id) || err != nil && got != (token.Hint{}) {
			t.Fatalf("%q is read as %+v, %v", hint, got, err)
		}
	})
}
