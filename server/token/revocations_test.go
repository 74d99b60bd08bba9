package token_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

func TestSignRevocations(t *testing.T) {
	shared, err := token.SharedKey(bytes.Repeat([]byte("shared secret "), 3))
	if err != nil {
		t.Fatal(err)
	}
	list := scopes.RevocationList{
		Issuer: "https://auth.example.com", URL: "https://auth.example.com/revocations", IssuedAt: issued,
		ExpiresAt: issued.Add(3 * time.Minute), TTL: 5 * time.Second, Revoked: scopes.NewRevocations(scopes.RevokedToken("j-1")),
	}
	want, err := list.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []token.SigningKey{
		generate(t, token.ES256, issued), generate(t, token.EdDSA, issued), generate(t, token.RS256, issued), shared,
	} {
		ring, err := token.NewRing(k.Alg, []token.SigningKey{k})
		if err != nil {
			t.Fatal(err)
		}
		signed, err := k.SignRevocations(list)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jwt.NewParser(jwt.WithValidMethods([]string{k.Alg}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation()).
			Parse(string(signed), func(*jwt.Token) (any, error) {
				key, err := ring.Key(context.Background(), k.ID)
				return key.Key, err
			})
		if err != nil {
			t.Fatalf("%s: %v", k.Alg, err)
		}
		if h := parsed.Header; len(h) != 3 || h["alg"] != k.Alg || h["kid"] != k.ID || h["typ"] != "revocations+jwt" {
			t.Errorf("%s: header %v", k.Alg, h)
		}
		if payload, err := jwt.NewParser().DecodeSegment(strings.Split(string(signed), ".")[1]); err != nil || !bytes.Equal(payload, want) {
			t.Errorf("%s: payload %s, error %v", k.Alg, payload, err)
		}
		t.Run("8725-3.11 no access token, signed with "+k.Alg, func(t *testing.T) {
			v, err := scopes.NewVerifier(scopes.VerifierOptions{
				Issuer: list.Issuer, Audience: list.URL, Keys: ring, Now: func() time.Time { return issued },
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = v.Verify(t.Context(), string(signed))
			var refused *scopes.Error
			if !errors.As(err, &refused) || refused.Kind != scopes.WrongType {
				t.Errorf("error %v, want %s", err, scopes.WrongType)
			}
		})
	}
	list.Revoked = nil
	if _, err := generate(t, token.EdDSA, issued).SignRevocations(list); err == nil {
		t.Error("a list without content was signed")
	}
}
