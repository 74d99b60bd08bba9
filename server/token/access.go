// Package token mints and reads grantd's JWTs: access tokens that any resource
// service can validate, and refresh tokens that only the server can. It knows
// nothing of HTTP and of the database.
package token

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
)

// Access is what an access token says (RFC 9068 §2.2).
type Access struct {
	Issuer, Subject, ClientID string
	Audience                  []string // at least one
	Scope                     scopes.Set
	// GrantID names the authorization. Empty for client_credentials.
	GrantID            string
	IssuedAt, ExpireAt time.Time
	// AuthTime is when a user logged in. Zero when none did.
	AuthTime time.Time
}

type accessClaims struct {
	jwt.RegisteredClaims
	ClientID string           `json:"client_id"`
	Scope    string           `json:"scope"`
	GrantID  string           `json:"gid,omitempty"`
	AuthTime *jwt.NumericDate `json:"auth_time,omitempty"`
}

// MintAccess signs an access token with the key that is active when it is issued.
func (r *Ring) MintAccess(a Access) (string, error) {
	key, err := r.Signer(a.IssuedAt)
	if err != nil {
		return "", err
	}
	claims := accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: a.Issuer, Subject: a.Subject, Audience: a.Audience,
			ExpiresAt: jwt.NewNumericDate(a.ExpireAt), IssuedAt: jwt.NewNumericDate(a.IssuedAt), ID: rand.Text(),
		},
		ClientID: a.ClientID, Scope: a.Scope.String(), GrantID: a.GrantID,
	}
	if !a.AuthTime.IsZero() {
		claims.AuthTime = jwt.NewNumericDate(a.AuthTime)
	}
	t := jwt.NewWithClaims(key.method, claims)
	t.Header["typ"] = "at+jwt" // RFC 9068 §2.1
	t.Header["kid"] = key.ID
	signed, err := t.SignedString(key.private)
	if err != nil {
		return "", fmt.Errorf("sign an access token with key %s: %w", key.ID, err)
	}
	return signed, nil
}
