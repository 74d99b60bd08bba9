package token_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

func access() token.Access {
	return token.Access{
		Issuer: "https://auth.example", Subject: "u-ann", ClientID: "app", Audience: []string{"https://api.example"},
		Scope: scopes.Set{"me", "items"}, GrantID: "g1",
		IssuedAt: issued, ExpireAt: issued.Add(15 * time.Minute), AuthTime: issued.Add(-time.Hour),
	}
}

// parts decodes the header and the claims of a JWT, as text.
func parts(t testing.TB, jwt string) (header, claims string) {
	t.Helper()
	split := strings.Split(jwt, ".")
	if len(split) != 3 {
		t.Fatalf("%q is no JWT", jwt)
	}
	var text [2]string
	for i := range text {
		plain, err := base64.RawURLEncoding.DecodeString(split[i])
		if err != nil {
			t.Fatal(err)
		}
		text[i] = string(plain)
	}
	return text[0], text[1]
}

var jti = regexp.MustCompile(`"jti":"[A-Z2-7]{26,}"`)

// Contract §4, to the byte: names, order, types.
func TestAccessTokenFormat(t *testing.T) {
	k := generate(t, token.ES256, issued)
	ring, err := token.NewRing(token.ES256, []token.SigningKey{k})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*token.Access)
		want   string
	}{
		{"of a user", func(*token.Access) {}, `{"iss":"https://auth.example","sub":"u-ann","aud":["https://api.example"],"exp":1772367300,"iat":1772366400,"jti":"...",` +
			`"client_id":"app","scope":"me items","gid":"g1","auth_time":1772362800}`},
		{"of a client itself", func(a *token.Access) { a.GrantID, a.AuthTime, a.Subject = "", time.Time{}, "app" }, `{"iss":"https://auth.example","sub":"app","aud":["https://api.example"],"exp":1772367300,"iat":1772366400,"jti":"...",` +
			`"client_id":"app","scope":"me items"}`},
		{"without scope", func(a *token.Access) { a.Scope = nil }, `{"iss":"https://auth.example","sub":"u-ann","aud":["https://api.example"],"exp":1772367300,"iat":1772366400,"jti":"...",` +
			`"client_id":"app","scope":"","gid":"g1","auth_time":1772362800}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := access()
			c.change(&a)
			minted, err := ring.MintAccess(a)
			if err != nil {
				t.Fatal(err)
			}
			header, claims := parts(t, minted)
			if want := fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt"}`, k.ID); header != want {
				t.Errorf("header %s, want %s", header, want)
			}
			if got := jti.ReplaceAllString(claims, `"jti":"..."`); got != c.want {
				t.Errorf("claims\n %s, want\n %s", got, c.want)
			}
		})
	}
}

func TestAccessTokenIDsDiffer(t *testing.T) {
	ring, err := token.NewRing(token.EdDSA, []token.SigningKey{generate(t, token.EdDSA, issued)})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 100 {
		minted, err := ring.MintAccess(access())
		if err != nil {
			t.Fatal(err)
		}
		_, claims := parts(t, minted)
		var c struct{ JTI string }
		if err := json.Unmarshal([]byte(claims), &c); err != nil || seen[c.JTI] {
			t.Fatalf("jti %q again, error %v", c.JTI, err)
		}
		seen[c.JTI] = true
	}
}
