// Package token mints and reads grantd's JWTs: access tokens that any resource
// service can validate, and refresh tokens that only the server can. It knows
// nothing of HTTP and of the database.
package token

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/grantd/grantd/scopes"
)

const accessType = "at+jwt" // RFC 9068 §2.1

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

// MintAccess signs an access token with the key that is active when it is issued.
func (r *Ring) MintAccess(a Access) (string, error) {
	key, err := r.Signer(a.IssuedAt)
	if err != nil {
		return "", err
	}
	var room [usualClaims]byte
	minted, err := sign(key.access, a.claims(room[:0]), key.method, key.private)
	if err != nil {
		return "", fmt.Errorf("sign an access token with key %s: %w", key.ID, err)
	}
	return minted, nil
}

// claims are those of RFC 9068 §2.2, printed into room.
func (a *Access) claims(room []byte) []byte {
	p := printed(room).
		unlessEmpty("iss", a.Issuer).unlessEmpty("sub", a.Subject).strings("aud", a.Audience).
		date("exp", a.ExpireAt).date("iat", a.IssuedAt).string("jti", rand.Text()).
		string("client_id", a.ClientID).string("scope", a.Scope.String()).unlessEmpty("gid", a.GrantID)
	if !a.AuthTime.IsZero() {
		p = p.date("auth_time", a.AuthTime)
	}
	return p.end()
}
