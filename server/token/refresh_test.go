package token_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

const issuer = "https://auth.example"

func row() token.Refresh {
	return token.Refresh{
		Subject: "u-ann", ClientID: "app", Scope: scopes.Set{"me", "items"}, GrantID: "g1", Generation: 3,
		IssuedAt: issued, ExpireAt: issued.Add(720 * time.Hour),
	}
}

// refresher reads at the time now.
func refresher(m *token.Master, now time.Time) *token.Refresher {
	return token.NewRefresher(m, issuer, func() time.Time { return now })
}

func mint(t testing.TB, r *token.Refresher, row token.Refresh) string {
	t.Helper()
	minted, err := r.Mint(row)
	if err != nil {
		t.Fatal(err)
	}
	return minted
}

// Contract §4, to the byte.
func TestRefreshTokenFormat(t *testing.T) {
	header, claims := parts(t, mint(t, refresher(masterOf(t, 1), issued), row()))
	if want := `{"alg":"HS256","typ":"rt+jwt"}`; header != want {
		t.Errorf("header %s, want %s", header, want)
	}
	want := `{"iss":"https://auth.example","sub":"u-ann","aud":["https://auth.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3",` +
		`"client_id":"app","scope":"me items","gid":"g1","gen":3}`
	if claims != want {
		t.Errorf("claims\n %s, want\n %s", claims, want)
	}
}

// A repeat inside the grace gets the same bytes, from whichever server and whenever.
func TestRefreshTokenIsDerivedFromTheRowAlone(t *testing.T) {
	first := mint(t, refresher(masterOf(t, 1), issued), row())
	later := row()
	later.IssuedAt = later.IssuedAt.Add(999 * time.Millisecond).In(time.FixedZone("elsewhere", 7200)) // iat has seconds
	later.ExpireAt = later.ExpireAt.Local()
	if again := mint(t, refresher(masterOf(t, 1), issued.Add(time.Hour)), later); again != first {
		t.Errorf("minted again as\n %s, first as\n %s", again, first)
	}
	next := row()
	next.Generation++
	if mint(t, refresher(masterOf(t, 1), issued), next) == first {
		t.Error("the next generation has the same token")
	}
}

func TestRefreshRoundTrip(t *testing.T) {
	r := refresher(masterOf(t, 1), issued)
	long := row()
	for i := range scopes.MaxSetBytes / 23 {
		long.Scope = append(long.Scope, fmt.Sprintf("scope-name-number-%03d", i)) // 22 bytes and a space
	}
	for name, want := range map[string]token.Refresh{
		"usual":             row(),
		"no scope":          {Subject: "u", ClientID: "c", GrantID: "g", Generation: 1, IssuedAt: issued, ExpireAt: issued.Add(time.Hour)},
		"last generation":   {Subject: "u", ClientID: "c", GrantID: "g", Generation: math.MaxInt64, IssuedAt: issued, ExpireAt: issued.Add(time.Hour)},
		"many scopes":       long,
		"names from abroad": {Subject: "ü\"<&>", ClientID: "c\\d", GrantID: "g", Generation: 1, IssuedAt: issued, ExpireAt: issued.Add(time.Hour)},
	} {
		got, err := r.Read(mint(t, r, want))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Subject != want.Subject || got.ClientID != want.ClientID || got.GrantID != want.GrantID || got.Generation != want.Generation ||
			!got.Scope.Equal(want.Scope) || !got.IssuedAt.Equal(want.IssuedAt) || !got.ExpireAt.Equal(want.ExpireAt) {
			t.Errorf("%s: read\n %+v, want\n %+v", name, got, want)
		}
	}
}

// forge signs claims as grantd would, with whatever header and key a test likes.
func forge(t *testing.T, method jwt.SigningMethod, key any, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	j := jwt.NewWithClaims(method, claims)
	for name, value := range header {
		j.Header[name] = value
	}
	signed, err := j.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func refreshClaims(change ...any) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": issuer, "aud": []string{issuer}, "sub": "u-ann", "iat": issued.Unix(), "exp": issued.Add(time.Hour).Unix(),
		"jti": "g1.3", "client_id": "app", "scope": "me", "gid": "g1", "gen": 3,
	}
	for i := 0; i < len(change); i += 2 {
		if change[i+1] == nil {
			delete(c, change[i].(string))
		} else {
			c[change[i].(string)] = change[i+1]
		}
	}
	return c
}

func TestReadRefusesRefreshTokens(t *testing.T) {
	m := masterOf(t, 1)
	now := issued.Add(time.Minute)
	r := refresher(m, now)
	good := mint(t, r, row())
	typ := map[string]any{"typ": "rt+jwt"}
	ours := func(change ...any) string {
		return forge(t, jwt.SigningMethodHS256, m.MACKey(), typ, refreshClaims(change...))
	}
	if _, err := r.Read(ours()); err != nil {
		t.Fatalf("the forged token that all others differ from is refused itself: %v", err)
	}
	shared, err := token.SharedKey(bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := token.NewRing(token.HS256, []token.SigningKey{shared})
	if err != nil {
		t.Fatal(err)
	}
	accessToken, err := ring.MintAccess(access())
	if err != nil {
		t.Fatal(err)
	}
	ec := generate(t, token.ES256, issued)
	dot := strings.LastIndex(good, ".")

	for _, c := range []struct {
		name, token string
	}{
		{"empty", ""},
		{"not a JWT", "refresh-me"},
		{"no signature", good[:dot]},
		{"empty signature", good[:dot+1]},
		{"truncated", good[:len(good)-1]},
		{"a byte too many", good + "A"},
		{"padded", good + "="},
		{"line break in it", good[:dot] + "\n" + good[dot:]},
		{"line break at the end", good + "\r\n"},
		{"space around it", " " + good + " "},
		{"payload of another generation", swapPayload(t, good, mint(t, r, token.Refresh{Subject: "u-ann", ClientID: "app", GrantID: "g1", Generation: 4, IssuedAt: issued, ExpireAt: issued.Add(time.Hour)}))},
		{"a header alone, with our MAC", mac(t, m, good[:strings.Index(good, ".")])},
		{"8725-3.11 typ of an access token", forge(t, jwt.SigningMethodHS256, m.MACKey(), map[string]any{"typ": "at+jwt"}, refreshClaims())},
		{"8725-3.11 typ JWT", forge(t, jwt.SigningMethodHS256, m.MACKey(), nil, refreshClaims())},
		{"8725-3.11 typ in another letter case", forge(t, jwt.SigningMethodHS256, m.MACKey(), map[string]any{"typ": "RT+JWT"}, refreshClaims())},
		{"8725-3.11 typ is a number", forge(t, jwt.SigningMethodHS256, m.MACKey(), map[string]any{"typ": 1}, refreshClaims())},
		{"8725-3.1 alg none", forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, typ, refreshClaims())},
		{"8725-3.1 alg HS384 with our key", forge(t, jwt.SigningMethodHS384, m.MACKey(), typ, refreshClaims())},
		{"8725-3.1 alg ES256", forge(t, jwt.SigningMethodES256, ec.Private(), typ, refreshClaims())},
		{"key of another master", mint(t, refresher(masterOf(t, 2), now), row())},
		{"key of zeros", forge(t, jwt.SigningMethodHS256, make([]byte, 32), typ, refreshClaims())},
		{"empty key", forge(t, jwt.SigningMethodHS256, []byte{}, typ, refreshClaims())},
		{"another issuer with our key", mint(t, token.NewRefresher(m, "https://other.example", func() time.Time { return now }), row())},
		{"issuer with a slash more", ours("iss", issuer+"/")},
		{"no issuer", ours("iss", nil)},
		{"no audience", ours("aud", nil)},
		{"another audience", ours("aud", "https://api.example")},
		{"no expiry", ours("exp", nil)},
		{"expiry in words", ours("exp", "tomorrow")},
		{"no iat", ours("iat", nil)},
		{"no grant", ours("gid", nil)},
		{"grant is a number", ours("gid", 1)},
		{"no generation", ours("gen", nil)},
		{"generation zero", ours("gen", 0)},
		{"generation negative", ours("gen", -1)},
		{"generation with a fraction", ours("gen", 1.5)},
		{"generation past 64 bits", ours("gen", 1e30)},
		{"scope outside the grammar", ours("scope", "me  items")},
		{"scope is a list", ours("scope", []string{"me"})},
		{"access token under HS256", accessToken},
		{"huge", strings.Repeat("A", 1<<20)},
		{"huge with dots", strings.Repeat("A.", 1<<19)},
		{"a header nested deeply", base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat(`{"a":`, 2000))) + "." + good[strings.Index(good, ".")+1:]},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := r.Read(c.token); !errors.Is(err, token.ErrNotRefresh) {
				t.Errorf("read %+v, error %v, want ErrNotRefresh", got, err)
			}
		})
	}
}

// mac puts our MAC behind text.
func mac(t *testing.T, m *token.Master, text string) string {
	t.Helper()
	signature, err := jwt.SigningMethodHS256.Sign(text, m.MACKey())
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// swapPayload puts the claims of other between header and signature of good.
func swapPayload(t *testing.T, good, other string) string {
	t.Helper()
	a, b := strings.Split(good, "."), strings.Split(other, ".")
	return a[0] + "." + b[1] + "." + a[2]
}

func TestReadExpiredRefreshToken(t *testing.T) {
	m := masterOf(t, 1)
	minted := mint(t, refresher(m, issued), row())
	end := row().ExpireAt
	if _, err := refresher(m, end.Add(-time.Second)).Read(minted); err != nil {
		t.Errorf("a second before: %v", err)
	}
	if _, err := refresher(m, end).Read(minted); !errors.Is(err, token.ErrRefreshExpired) {
		t.Errorf("at that moment: %v, want ErrRefreshExpired", err)
	}
	// Whoever made it up does not learn that it would have expired.
	if _, err := refresher(masterOf(t, 2), end.Add(time.Hour)).Read(minted); !errors.Is(err, token.ErrNotRefresh) {
		t.Errorf("with another key: %v, want ErrNotRefresh", err)
	}
}

// The key of the refresh tokens is none of those that resource services have.
func TestRefreshTokenIsNoAccessToken(t *testing.T) {
	m := masterOf(t, 1)
	verifier, err := scopes.NewVerifier(scopes.VerifierOptions{
		Issuer: issuer, Audience: issuer, Now: func() time.Time { return issued },
		// The worst case: a service that was given the very key.
		Keys: keySource{scopes.Key{ID: "k", Alg: token.HS256, Key: m.MACKey()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var refused *scopes.Error
	if _, err := verifier.Verify(t.Context(), mint(t, refresher(m, issued), row())); !errors.As(err, &refused) || refused.Kind != scopes.WrongType {
		t.Errorf("error %v, want %s", err, scopes.WrongType)
	}
}

func FuzzReadRefresh(f *testing.F) {
	m := masterOf(f, 1)
	r := refresher(m, issued)
	good := mint(f, r, row())
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(good + "\n")
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIiwidHlwIjoicnQrand0In0.e30.")
	f.Fuzz(func(t *testing.T, in string) {
		got, err := r.Read(in)
		if err != nil {
			if !errors.Is(err, token.ErrNotRefresh) && !errors.Is(err, token.ErrRefreshExpired) {
				t.Fatalf("%q: error %v", in, err)
			}
			if len(in) > 8 && strings.Contains(err.Error(), in) {
				t.Fatalf("the error repeats the token: %v", err)
			}
			return
		}
		// Nobody else has the key, so what is read is what was minted, to the byte.
		if again := mint(t, r, got); again != in {
			t.Fatalf("%q was read and is minted as %q", in, again)
		}
	})
}
