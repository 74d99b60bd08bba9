package token_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

// What follows is how golang-jwt and encoding/json write our tokens: slower, and without a line of ours.

type accessClaims struct {
	jwt.RegisteredClaims
	ClientID string           `json:"client_id"`
	Scope    string           `json:"scope"`
	GrantID  string           `json:"gid,omitempty"`
	AuthTime *jwt.NumericDate `json:"auth_time,omitempty"`
}

func claimsOfAccess(a token.Access, id string) jwt.Claims {
	claims := accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: a.Issuer, Subject: a.Subject, Audience: a.Audience,
			ExpiresAt: jwt.NewNumericDate(a.ExpireAt), IssuedAt: jwt.NewNumericDate(a.IssuedAt), ID: id,
		},
		ClientID: a.ClientID, Scope: a.Scope.String(), GrantID: a.GrantID,
	}
	if !a.AuthTime.IsZero() {
		claims.AuthTime = jwt.NewNumericDate(a.AuthTime)
	}
	return claims
}

type claimsOfRefresh struct {
	jwt.RegisteredClaims
	ClientID   string `json:"client_id"`
	Scope      string `json:"scope"`
	GrantID    string `json:"gid"`
	Generation int64  `json:"gen"`
}

func claimsOfRow(r token.Refresh) jwt.Claims {
	return claimsOfRefresh{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{issuer}, Subject: r.Subject,
			IssuedAt: jwt.NewNumericDate(r.IssuedAt), ExpiresAt: jwt.NewNumericDate(r.ExpireAt),
			ID: r.GrantID + "." + strconv.FormatInt(r.Generation, 10),
		},
		ClientID: r.ClientID, Scope: r.Scope.String(), GrantID: r.GrantID, Generation: r.Generation,
	}
}

// checkAccess mints a with each key and compares the token with that of golang-jwt.
func checkAccess(t *testing.T, keys []token.SigningKey, a token.Access) {
	t.Helper()
	for _, k := range keys {
		minted, err := ringOf(t, k).MintAccess(a)
		if err != nil {
			t.Fatal(err)
		}
		_, claims := parts(t, minted)
		var random struct{ JTI string }
		if err := json.Unmarshal([]byte(claims), &random); err != nil || len(random.JTI) < 26 {
			t.Fatalf("%s: jti %q, error %v", claims, random.JTI, err)
		}
		want := jwt.NewWithClaims(jwt.GetSigningMethod(k.Alg), claimsOfAccess(a, random.JTI))
		want.Header["typ"], want.Header["kid"] = "at+jwt", k.ID
		same(t, minted, want, k)
	}
}

// same compares a token with what golang-jwt writes; of ES256, whose signatures are never the same, it verifies that.
func same(t *testing.T, got string, want *jwt.Token, k token.SigningKey) {
	t.Helper()
	signed, err := want.SignedString(k.Private())
	if err != nil {
		t.Fatal(err)
	}
	dot := strings.LastIndexByte(got, '.')
	if k.Alg != token.ES256 && got != signed || got[:dot] != signed[:strings.LastIndexByte(signed, '.')] {
		t.Errorf("%s: minted\n %s, golang-jwt\n %s", k.Alg, got, signed)
	}
	signature, err := jwt.NewParser(jwt.WithStrictDecoding()).DecodeSegment(got[dot+1:])
	if err != nil {
		t.Fatal(err)
	}
	if err := want.Method.Verify(got[:dot], signature, k.Public()); err != nil {
		t.Errorf("%s: %v", k.Alg, err)
	}
}

func TestAccessTokensAreAsOfGolangJWT(t *testing.T) {
	keys := keysOfAllAlgs(t)
	for name, a := range accessTokens() {
		t.Run(name, func(t *testing.T) { checkAccess(t, keys, a) })
	}
}

// A signature of ES256 is two numbers of 32 bytes each, also where one is short: RFC 7518 §3.4.
func TestManySignaturesOfES256(t *testing.T) {
	keys := []token.SigningKey{generate(t, token.ES256, issued)}
	for range 1000 { // every 128th has a number with a leading zero
		checkAccess(t, keys, access())
	}
}

func TestFixedLength(t *testing.T) {
	for _, c := range []struct {
		name string
		r, s []byte
		want string // in hexadecimal; empty means an error
	}{
		{"7518-3.4 both long", bytes.Repeat([]byte{0xab}, 32), bytes.Repeat([]byte{0x12}, 32), strings.Repeat("ab", 32) + strings.Repeat("12", 32)},
		{"7518-3.4 both short", []byte{1}, []byte{0x80}, strings.Repeat("00", 31) + "01" + strings.Repeat("00", 31) + "80"},
		{"of a larger curve", bytes.Repeat([]byte{1}, 33), []byte{1}, ""},
		{"the other of a larger curve", []byte{1}, bytes.Repeat([]byte{1}, 33), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(c.r), new(big.Int).SetBytes(c.s)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := token.FixedLength(der)
			if hex.EncodeToString(got) != c.want || (err == nil) == (c.want == "") {
				t.Errorf("%x, error %v, want %s", got, err, c.want)
			}
			if got, err := token.FixedLength(der[:len(der)-1]); err == nil {
				t.Errorf("half a signature gives %x", got)
			}
		})
	}
}

func TestRefreshTokensAreAsOfGolangJWT(t *testing.T) {
	for name, row := range refreshTokens() {
		t.Run(name, func(t *testing.T) { checkRefresh(t, row) })
	}
}

// Each alone, so that none is escaped for the sake of another.
func TestEachCharacterIsEscapedAsByEncodingJSON(t *testing.T) {
	for c := range 256 {
		r := row()
		r.Subject = "u" + string([]byte{byte(c)})
		checkRefresh(t, r)
	}
	for _, c := range odd {
		r := row()
		r.Subject = string(c)
		checkRefresh(t, r)
	}
}

func checkRefresh(t *testing.T, row token.Refresh) {
	t.Helper()
	m := masterOf(t, 1)
	want := jwt.NewWithClaims(jwt.SigningMethodHS256, claimsOfRow(row))
	want.Header["typ"] = "rt+jwt"
	signed, err := want.SignedString(m.MACKey())
	if err != nil {
		t.Fatal(err)
	}
	if got := mint(t, refresher(m, issued), row); got != signed {
		t.Errorf("minted\n %s, golang-jwt\n %s", got, signed)
	}
}

// Our printer against that of encoding/json.
func FuzzMint(f *testing.F) {
	keys := keysOfAllAlgs(f)[3:] // HS256: the arithmetic takes no time
	f.Add("https://auth.example", "u-ann", "app", "https://api.example", "https://b.example", "me items", "g1", int64(1772366400), int64(3), uint8(1))
	f.Add("", "", "", "", "", "", "", int64(0), int64(0), uint8(0))
	f.Add(odd, odd, odd, odd, odd, odd, odd, int64(-1), int64(-1), uint8(2))
	f.Fuzz(func(t *testing.T, iss, sub, client, aud1, aud2, scope, gid string, seconds, n int64, audiences uint8) {
		at := time.Unix(seconds%(1<<40), n)
		checkAccess(t, keys, token.Access{
			Issuer: iss, Subject: sub, ClientID: client, Audience: []string{aud1, aud2}[:audiences%3], Scope: scopes.Set{scope, "items"},
			GrantID: gid, IssuedAt: at, ExpireAt: at.Add(time.Duration(n)), AuthTime: time.Unix(n%(1<<40), 0),
		})
		checkRefresh(t, token.Refresh{
			Subject: sub, ClientID: client, Scope: scopes.Set{scope}, GrantID: gid, Generation: n, IssuedAt: at, ExpireAt: at.Add(time.Duration(n)),
		})
	})
}
