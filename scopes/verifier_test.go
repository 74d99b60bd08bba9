package scopes_test

import (
	"context"
	"crypto/x509"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/grantd/grantd/scopes"
)

func at(d time.Duration) int64 { return now.Add(d).Unix() }

func TestVerifyAccepts(t *testing.T) {
	for _, c := range []struct {
		name  string
		key   signer
		edits []edit
	}{
		{"9068-4 ES256", es256, nil},
		{"9068-4 EdDSA", eddsa, nil},
		{"9068-4 RS256", rs256, nil},
		{"7518-3.2 HS256", hs256, nil},
		{"9068-4 typ with application/", es256, []edit{header("typ", "application/at+jwt")}},
		{"7515-4.1.9 typ in other letter case", es256, []edit{header("typ", "AT+JWT")}},
		{"7519-4.1.3 aud is an array", es256, []edit{claim("aud", []string{"https://other", audience})}},
		{"7519-4.1.4 exp just inside the leeway", es256, []edit{claim("exp", at(-59*time.Second))}},
		{"7519-4.1.5 nbf just inside the leeway", es256, []edit{claim("nbf", at(60*time.Second))}},
		{"7519-4.1.5 nbf zero", es256, []edit{claim("nbf", 0)}},
		{"7519-4.1.6 iat just inside the leeway", es256, []edit{claim("iat", at(60*time.Second))}},
		{"7519-2 exp with a fraction", es256, []edit{claim("exp", float64(at(time.Minute))+0.5)}},
		{"7519-4.3 private claims", es256, []edit{claim("color", map[string]any{"a": []int{1}, "b": `}:"\`})}},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims, err := newVerifier(t, options()).Verify(context.Background(), mint(c.key, c.edits...))
			if err != nil {
				t.Fatal(err)
			}
			if claims.Subject != "u-1" || claims.Scope.String() != "me items" {
				t.Fatalf("claims %+v", claims)
			}
		})
	}
}

func TestVerifyClaims(t *testing.T) {
	v := newVerifier(t, options())
	got, err := v.Verify(context.Background(), mint(es256, claim("auth_time", at(-time.Hour)), claim("color", map[string]any{"a": []int{1}})))
	want := &scopes.Claims{
		Issuer: issuer, Subject: "u-1", ClientID: "dev", ID: "j-1", GrantID: "g-1",
		Audience: []string{audience}, Scope: scopes.Set{"me", "items"},
		IssuedAt: time.Unix(at(0), 0), ExpiresAt: time.Unix(at(15*time.Minute), 0), AuthTime: time.Unix(at(-time.Hour), 0),
	}
	if diff := differing(got, want); err != nil || diff != "" {
		t.Fatalf("9068-2.2 got %+v, %v\nwant %+v, differing %s", got, err, want, diff)
	}
	var more struct{ Color struct{ A []int } }
	if err := got.Decode(&more); err != nil || !slices.Equal(more.Color.A, []int{1}) {
		t.Errorf("7519-4.3 private claims: %+v, %v", more, err)
	}
	got, err = v.Verify(context.Background(), mint(es256, noClaim("scope"), noClaim("gid")))
	if err != nil || got.Scope != nil || got.GrantID != "" || !got.AuthTime.IsZero() {
		t.Fatalf("9068-2.2 optional claims absent: got %+v, %v", got, err)
	}
}

// differing names the exported fields, other than Payload, in which the two differ.
func differing(got, want *scopes.Claims) (fields string) {
	if got == nil {
		return "all"
	}
	g, w := reflect.ValueOf(*got), reflect.ValueOf(*want)
	for _, f := range reflect.VisibleFields(g.Type()) {
		if f.IsExported() && f.Name != "Payload" && !reflect.DeepEqual(g.FieldByIndex(f.Index).Interface(), w.FieldByIndex(f.Index).Interface()) {
			fields += f.Name + " "
		}
	}
	return fields
}

func TestVerifyRefuses(t *testing.T) {
	valid := mint(es256)
	parts := strings.Split(valid, ".")
	impostor := newES256("es")
	spki := must(x509.MarshalPKIXPublicKey(rs256.Key.Key))
	confused := signer{scopes.Key{ID: rs256.ID, Alg: "HS256"}, spki}
	none := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": issuer})
	none.Header["typ"], none.Header["kid"] = "at+jwt", "es"

	for _, c := range []struct {
		name, token string
		kind        scopes.Kind
		text        string // a part of the description
	}{
		{"9068-4 empty", "", scopes.Malformed, "not a JWT"},
		{"9068-4 two parts", parts[0] + "." + parts[1], scopes.Malformed, "not a JWT"},
		{"9068-4 four parts", valid + ".x", scopes.Malformed, "not a JWT"},
		{"9068-4 signature cut off", parts[0] + "." + parts[1] + ".", scopes.BadSignature, "signature"},
		{"9068-4 truncated", valid[:len(valid)-2], scopes.BadSignature, "signature"},
		{"4648-3.5 bits after the end", valid[:len(valid)-1] + string(valid[len(valid)-1]+1), scopes.Malformed, "not a JWT"},
		{"7515-2 line break", parts[0] + "." + parts[1] + ".\n" + parts[2], scopes.Malformed, "line break"},
		{"7515-2 padding", valid + "==", scopes.Malformed, "not a JWT"},
		{"too long", valid + strings.Repeat("A", scopes.MaxTokenBytes), scopes.Malformed, "longer than 8192 bytes"},
		{"7519-7.2 header is not JSON", sign(es256, "{", "{}"), scopes.Malformed, "not a JWT"},
		{"7519-7.2 header is null", sign(es256, "null", "{}"), scopes.Malformed, "not a JWT"},
		{"7519-7.2 claims are not an object", sign(es256, `{"alg":"ES256","typ":"at+jwt","kid":"es"}`, `[]`), scopes.Malformed, "not a JWT"},
		{"7519-7.2 claims are null", sign(es256, `{"alg":"ES256","typ":"at+jwt","kid":"es"}`, `null`), scopes.Malformed, "not a JWT"},

		{"9068-4 typ missing", mint(es256, noHeader("typ")), scopes.WrongType, "typ at+jwt"},
		{"9068-4 typ of an ID token", mint(es256, header("typ", "JWT")), scopes.WrongType, "typ at+jwt"},
		{"9068-4 typ of a refresh token", mint(es256, header("typ", "rt+jwt")), scopes.WrongType, "typ at+jwt"},
		{"9068-4 typ not a string", mint(es256, header("typ", 1)), scopes.WrongType, "typ at+jwt"},

		{"9068-2.1 alg none", must(none.SignedString(jwt.UnsafeAllowNoneSignatureType)), scopes.BadSignature, "not accepted"},
		{"8725-3.1 alg unknown", sign(es256, `{"alg":"nOnE","typ":"at+jwt","kid":"es"}`, "{}"), scopes.BadSignature, "not accepted"},
		{"8725-3.1 alg missing", sign(es256, `{"typ":"at+jwt","kid":"es"}`, "{}"), scopes.BadSignature, "not accepted"},
		{"8725-3.1 alg not served", sign(es256, `{"alg":"ES384","typ":"at+jwt","kid":"es"}`, "{}"), scopes.BadSignature, "not accepted"},
		{"8725-3.1 alg of another key", mint(eddsa, header("kid", "es")), scopes.BadSignature, "algorithm of the key"},
		{"8725-2.1 public RSA key as HMAC secret", mint(confused), scopes.BadSignature, "algorithm of the key"},
		{"9068-4 signed by another key", mint(impostor), scopes.BadSignature, "signature"},
		{"9068-4 claims exchanged", parts[0] + "." + encode(`{"iss":"`+issuer+`","scope":"admin"}`) + "." + parts[2], scopes.BadSignature, "signature"},

		{"7515-4.1.4 kid missing", mint(es256, noHeader("kid")), scopes.Malformed, "kid"},
		{"7515-4.1.4 kid not a string", mint(es256, header("kid", 7)), scopes.Malformed, "kid"},
		{"9068-4 kid unknown", mint(es256, header("kid", "../../etc/passwd")), scopes.UnknownKey, "kid"},
		{"8725-3.10 jwk", mint(es256, header("jwk", map[string]string{"kty": "EC"})), scopes.Malformed, "has jwk"},
		{"8725-3.10 jku", mint(es256, header("jku", "https://evil.example")), scopes.Malformed, "has jku"},
		{"8725-3.10 x5u", mint(es256, header("x5u", "https://evil.example")), scopes.Malformed, "has x5u"},
		{"8725-3.10 x5c", mint(es256, header("x5c", []string{"MII"})), scopes.Malformed, "has x5c"},
		{"7515-4.1.11 crit", mint(es256, header("crit", []string{"exp"})), scopes.Malformed, "has crit"},
		{"7515-4 header parameter twice", sign(es256, `{"alg":"ES256","typ":"JWT","typ":"at+jwt","kid":"es"}`, "{}"), scopes.Malformed, "there twice"},

		{"9068-4 iss of another server", mint(es256, claim("iss", "https://evil.example")), scopes.WrongIssuer, "https://evil.example"},
		{"9068-4 iss compared exactly", mint(es256, claim("iss", issuer+"/")), scopes.WrongIssuer, issuer},
		{"9068-2.2 iss missing", mint(es256, noClaim("iss")), scopes.Malformed, "iss is missing"},
		{"7519-4 names are told apart by letter case", mint(es256, noClaim("iss"), claim("ISS", issuer)), scopes.Malformed, "iss is missing"},
		{"9068-4 aud of another service", mint(es256, claim("aud", "https://other")), scopes.WrongAudience, audience},
		{"9068-4 aud an array of others", mint(es256, claim("aud", []string{"a", "b"})), scopes.WrongAudience, audience},
		{"9068-2.2 aud missing", mint(es256, noClaim("aud")), scopes.Malformed, "aud"},
		{"7519-4.1.3 aud not a string", mint(es256, claim("aud", 1)), scopes.Malformed, "aud"},
		{"7519-4.1.3 aud with a number", mint(es256, claim("aud", []any{audience, 1})), scopes.Malformed, "aud"},
		{"7519-4.1.3 aud empty", mint(es256, claim("aud", "")), scopes.Malformed, "aud is missing"},
		{"9068-4 expired", mint(es256, claim("exp", at(-60*time.Second))), scopes.Expired, "expired at 2026-07-01T11:59:00Z"},
		{"9068-4 other issuer and expired", mint(es256, claim("exp", 1), claim("iss", "x")), scopes.WrongIssuer, "issuer"},
		{"9068-2.2 exp missing", mint(es256, noClaim("exp")), scopes.Malformed, "exp is missing"},
		{"7519-2 exp not a number", mint(es256, claim("exp", "tomorrow")), scopes.Malformed, "exp is not a date"},
		{"7519-2 exp beyond all time", mint(es256, claim("exp", 1e300)), scopes.Malformed, "exp is not a date"},
		{"7519-2 exp zero", mint(es256, claim("exp", 0)), scopes.Malformed, "exp is not a date"},
		{"9068-2.2 iat missing", mint(es256, noClaim("iat")), scopes.Malformed, "iat is missing"},
		{"7519-4.1.6 iat in the future", mint(es256, claim("iat", at(61*time.Second))), scopes.NotYetValid, "clocks"},
		{"7519-4.1.5 nbf in the future", mint(es256, claim("nbf", at(61*time.Second))), scopes.NotYetValid, "clocks"},
		{"7519-4.1.5 nbf not a number", mint(es256, claim("nbf", nil)), scopes.Malformed, "nbf is not a date"},
		{"9068-2.2 sub missing", mint(es256, noClaim("sub")), scopes.Malformed, "sub is missing"},
		{"9068-2.2 sub not a string", mint(es256, claim("sub", 1)), scopes.Malformed, "sub is not a string"},
		{"8259-8.2 sub is no Unicode", sign(es256, `{"alg":"ES256","typ":"at+jwt","kid":"es"}`, `{"sub":"\ud800"}`), scopes.Malformed, "sub is not a string"},
		{"9068-2.2 client_id missing", mint(es256, noClaim("client_id")), scopes.Malformed, "client_id is missing"},
		{"9068-2.2 jti empty", mint(es256, claim("jti", "")), scopes.Malformed, "jti is missing"},
		{"9068-2.2.1 auth_time not a number", mint(es256, claim("auth_time", "x")), scopes.Malformed, "auth_time"},
		{"9068-2.2.3 scope an array", mint(es256, claim("scope", []string{"me"})), scopes.Malformed, "scope is not a string"},
		{"9068-2.2.3 scope outside the grammar", mint(es256, claim("scope", "me  items")), scopes.Malformed, "claim scope"},
		{"7519-4 claim twice", sign(es256, `{"alg":"ES256","typ":"at+jwt","kid":"es"}`, `{"scope":"me","\u0073cope":"admin"}`), scopes.Malformed, "there twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims, err := newVerifier(t, options()).Verify(context.Background(), c.token)
			wantKind(t, err, c.kind)
			if claims != nil {
				t.Fatalf("claims %+v", claims)
			}
			if !strings.Contains(err.Error(), c.text) {
				t.Fatalf("got %q, want a text with %q", err, c.text)
			}
			for part := range strings.SplitSeq(c.token, ".") {
				if len(part) > 8 && strings.Contains(err.Error(), part) {
					t.Fatalf("the error repeats the token: %q", err)
				}
			}
		})
	}
}

func wantKind(t *testing.T, err error, want scopes.Kind) {
	t.Helper()
	var e *scopes.Error
	if !errors.As(err, &e) || e.Kind != want || e.Description == "" {
		t.Fatalf("got %v (%#v), want kind %s", err, err, want)
	}
}

func TestVerifyRevokedLast(t *testing.T) {
	asked := 0
	o := options()
	o.Revoked = func(_ context.Context, c *scopes.Claims) (bool, error) { asked++; return c.GrantID == "g-1", nil }
	v := newVerifier(t, o)
	_, err := v.Verify(context.Background(), mint(es256))
	wantKind(t, err, scopes.Revoked)
	if _, err := v.Verify(context.Background(), mint(es256, claim("gid", "g-2"))); err != nil {
		t.Fatal(err)
	}
	_, err = v.Verify(context.Background(), mint(es256, claim("exp", 1)))
	if wantKind(t, err, scopes.Expired); asked != 2 {
		t.Fatalf("asked %d times, want 2: not about a token that is refused anyway", asked)
	}
}

func TestVerifyLeeway(t *testing.T) {
	o := options()
	o.Leeway = time.Nanosecond
	_, err := newVerifier(t, o).Verify(context.Background(), mint(es256, claim("exp", at(-time.Second))))
	wantKind(t, err, scopes.Expired)
}

type keysDown struct{ err error }

func (k keysDown) Key(context.Context, string) (scopes.Key, error) { return scopes.Key{}, k.err }

func TestVerifyKeySourceFails(t *testing.T) {
	fault := errors.New("dial tcp: connection refused")
	o := options()
	o.Keys = keysDown{fault}
	_, err := newVerifier(t, o).Verify(context.Background(), mint(es256))
	if wantKind(t, err, scopes.KeysUnavailable); !errors.Is(err, fault) || !strings.Contains(err.Error(), "refused") {
		t.Fatalf("the cause is lost: %v", err)
	}
	o.Keys = keysDown{scopes.ErrUnknownKey}
	_, err = newVerifier(t, o).Verify(context.Background(), mint(es256))
	wantKind(t, err, scopes.UnknownKey)
}

func TestNewVerifierRefuses(t *testing.T) {
	_, err := scopes.NewVerifier(scopes.VerifierOptions{Leeway: -1})
	for _, name := range []string{"Issuer", "Audience", "Keys", "Leeway"} {
		if err == nil || !strings.Contains(err.Error(), "VerifierOptions."+name) {
			t.Errorf("want all problems in one error, also %s: %v", name, err)
		}
	}
}

// Keys of all algorithms are there, but nothing that was signed with them: what passes is a forgery.
func FuzzVerify(f *testing.F) {
	v, err := scopes.NewVerifier(options())
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []signer{newES256("es"), newEdDSA("ed"), newRS256("rs", 2048)} {
		f.Add(mint(s))
	}
	f.Add(sign(newES256("es"), `{"alg":"none","typ":"at+jwt","kid":"es"}`, `{"aud":[]}`))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := v.Verify(context.Background(), token)
		var e *scopes.Error
		if claims != nil || !errors.As(err, &e) || e.Code() != "invalid_token" {
			t.Fatalf("%q gives %+v, %v", token, claims, err)
		}
	})
}

// The fuzzer cannot sign, so here it writes what an issuer signs.
func FuzzVerifySigned(f *testing.F) {
	v, err := scopes.NewVerifier(options())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"alg":"HS256","typ":"at+jwt","kid":"hs"}`, `{"iss":"`+issuer+`","aud":["`+audience+`"],"exp":1e10,"iat":1,"sub":"u","client_id":"c","jti":"j","scope":"me"}`)
	f.Fuzz(func(t *testing.T, header, payload string) {
		claims, err := v.Verify(context.Background(), sign(hs256, header, payload))
		var e *scopes.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%s %s gives %v", header, payload, err)
		}
		if err == nil && (claims.Issuer != issuer || claims.Subject == "" || claims.ExpiresAt.Before(now.Add(-time.Minute))) {
			t.Fatalf("%s %s gives %+v", header, payload, claims)
		}
	})
}

// A service of several names takes tokens for any of them, and for nobody else.
func TestVerifyForSeveralAudiences(t *testing.T) {
	o := options()
	o.OtherAudiences = []string{"https://second.example", "https://third.example"}
	v := newVerifier(t, o)
	for _, c := range []struct {
		name  string
		aud   any
		takes bool
	}{
		{"9068-4 the first", audience, true},
		{"9068-4 another", "https://third.example", true},
		{"9068-4 another among strangers", []string{"a", "https://second.example"}, true},
		{"9068-4 a stranger", "https://fourth.example", false},
		{"9068-4 the beginning of one", "https://second", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := v.Verify(context.Background(), mint(es256, claim("aud", c.aud)))
			if c.takes && err == nil {
				return
			}
			wantKind(t, err, scopes.WrongAudience)
			if c.takes {
				t.Error("refused")
			}
		})
	}
}
