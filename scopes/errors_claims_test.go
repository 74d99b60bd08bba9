package scopes_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
)

// The log of a service can tell whose token was refused, if the issuer made it.
func TestRefusalsTellWhoseTokenItWas(t *testing.T) {
	o := options()
	o.Revoked = func(_ context.Context, c *scopes.Claims) (bool, error) { return c.ID == "j-revoked", nil }
	v := newVerifier(t, o)
	good := mint(es256)
	for name, c := range map[string]struct {
		token string
		known bool
	}{
		"expired":                  {mint(es256, claim("exp", at(-time.Hour))), true},
		"not yet valid":            {mint(es256, claim("iat", at(time.Hour))), true},
		"revoked":                  {mint(es256, claim("jti", "j-revoked")), true},
		"for others":               {mint(es256, claim("aud", "https://other")), true},
		"of another issuer":        {mint(es256, claim("iss", "https://other")), false},
		"wrong signature":          {good[:len(good)-4] + "AAAA", false},
		"expired, wrong signature": {mint(newES256("es"), claim("exp", at(-time.Hour))), false},
		"an ID token":              {mint(es256, header("typ", "JWT")), false},
	} {
		_, err := v.Verify(context.Background(), c.token)
		var e *scopes.Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v", name, err)
		}
		if known := e.Claims != nil && e.Claims.Subject == "u-1" && e.Claims.GrantID == "g-1"; known != c.known || !known && e.Claims != nil {
			t.Errorf("%s: %+v", name, e.Claims)
		}
	}
}
