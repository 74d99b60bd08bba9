package token

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
)

const refreshType = "rt+jwt"

// maxRefreshBytes bounds what is parsed: the longest scope, twice base64, and room.
const maxRefreshBytes = 16 << 10

// Errors of Read.
var (
	ErrNotRefresh     = errors.New("not a refresh token of this server")
	ErrRefreshExpired = errors.New("refresh token expired")
)

// Refresh is what a refresh token says. It is a function of the authorization's
// row alone, so that a repeated answer is the same to the byte.
type Refresh struct {
	Subject, ClientID string
	Scope             scopes.Set
	GrantID           string
	// Generation counts the rotations of the authorization.
	Generation         int64
	IssuedAt, ExpireAt time.Time
}

// Refresher mints and reads the refresh tokens of one issuer.
type Refresher struct {
	issuer string
	key    *mac
	claims *jwt.Validator
}

// NewRefresher makes a Refresher whose tokens are MACed with a key derived from
// the master key. now is the clock that decides about expiry.
func NewRefresher(m *Master, issuer string, now func() time.Time) *Refresher {
	return &Refresher{issuer: issuer, key: newMAC(m.refresh), claims: jwt.NewValidator(
		jwt.WithIssuer(issuer), jwt.WithAudience(issuer), jwt.WithExpirationRequired(), jwt.WithTimeFunc(now),
	)}
}

// refreshHeader: contract: alg and typ, and no kid.
var refreshHeader = headerOf(HS256, "", refreshType)

// Mint makes the refresh token that says t.
func (r *Refresher) Mint(t Refresh) (string, error) {
	var room [usualClaims]byte
	generation := strconv.FormatInt(t.Generation, 10)
	claims := printed(room[:0]).
		unlessEmpty("iss", r.issuer).unlessEmpty("sub", t.Subject).strings("aud", []string{r.issuer}).
		date("exp", t.ExpireAt).date("iat", t.IssuedAt).string("jti", t.GrantID+"."+generation).
		string("client_id", t.ClientID).string("scope", t.Scope.String()).string("gid", t.GrantID).int("gen", t.Generation).
		end()
	minted, err := sign(refreshHeader, claims, hs256{jwt.SigningMethodHS256}, r.key)
	if err != nil {
		return "", fmt.Errorf("sign a refresh token: %w", err)
	}
	return minted, nil
}
