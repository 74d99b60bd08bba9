package token_test

import (
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

// readByPeer reads a refresh token with golang-jwt alone.
func readByPeer(s string, key []byte) (token.Refresh, error) {
	if strings.ContainsAny(s, "\r\n") {
		return token.Refresh{}, token.ErrNotRefresh
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{token.HS256}), jwt.WithIssuer(issuer), jwt.WithAudience(issuer),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return issued }), jwt.WithStrictDecoding(),
	)
	var c claimsOfRefresh
	_, err := parser.ParseWithClaims(s, &c, func(t *jwt.Token) (any, error) {
		if t.Header["typ"] != "rt+jwt" {
			return nil, token.ErrNotRefresh
		}
		return key, nil
	})
	if errors.Is(err, jwt.ErrTokenExpired) {
		return token.Refresh{}, token.ErrRefreshExpired
	}
	scope, badScope := scopes.Parse(c.Scope)
	if err != nil || badScope != nil || c.GrantID == "" || c.Generation < 1 || c.IssuedAt == nil {
		return token.Refresh{}, token.ErrNotRefresh
	}
	return token.Refresh{
		Subject: c.Subject, ClientID: c.ClientID, Scope: scope, GrantID: c.GrantID, Generation: c.Generation,
		IssuedAt: c.IssuedAt.Time, ExpireAt: c.ExpiresAt.Time,
	}, nil
}

// payloads that say much the same; what Mint prints is among them.
var payloads = []string{
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me items","gid":"g1","gen":3}`,
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":03}`,
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3.0}`,
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3} `,
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3}}`,
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":9223372036854775808}`,
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3,"gen":4}`,
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3,"GID":"g2"}`,
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3,"nbf":1772366401}`,
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3,"unknown":{"a":[1]}}`,
	`{"iss":"https://auth.example","sub":"a\"\\\u00fc","aud":["https://auth.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3}`,
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example","https://b.example"],"exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3}`,
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example","exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3}`,
	`{"iss":"https://auth.example","sub":"u","aud":"https://auth.example","exp":1774958400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3}`,
	`{"iss":"https://auth.example","sub":"u","aud":["https://auth.example"],"exp":1772366400,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3}`,
	`{"iss":"https://other.example","sub":"u","aud":["https://auth.example"],"exp":1,"iat":1772366400,"jti":"g1.3","client_id":"app","scope":"me","gid":"g1","gen":3}`,
	`{"iss":"https://auth.example","aud":["https://auth.example"],"exp":1774958400,"iat":0,"jti":"","client_id":"","scope":"","gid":"g1","gen":1}`,
	`{"gen":1,"gid":"g","iat":1,"exp":9e9,"aud":"https://auth.example","iss":"https://auth.example"}`,
	`{"iss":`, `{"iss":"`, `null`, ``, `[]`,
}

// Whatever claims carry our MAC, they are read as golang-jwt and encoding/json read them.
func FuzzReadRefreshClaims(f *testing.F) {
	for _, payload := range payloads {
		f.Add(payload)
	}
	m := masterOf(f, 1)
	r := refresher(m, issued)
	f.Fuzz(func(t *testing.T, payload string) {
		forged := mac(t, m, "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9."+base64.RawURLEncoding.EncodeToString([]byte(payload)))
		if len(forged) > 16<<10 {
			return // refused for that
		}
		got, err := r.Read(forged)
		want, errOfPeer := readByPeer(forged, m.MACKey())
		if !errors.Is(err, errOfPeer) || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: read\n %+v, %v, golang-jwt\n %+v, %v", payload, got, err, want, errOfPeer)
		}
	})
}
