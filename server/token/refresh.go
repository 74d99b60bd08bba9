package token

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
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
	// ErrOtherKey is the ErrNotRefresh of what looks like a refresh token, and no key that is known here made.
	ErrOtherKey = fmt.Errorf("%w, or made with another master key", ErrNotRefresh)
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
	keys   atomic.Pointer[refreshKeys]
	claims *jwt.Validator
}

// refreshKeys are the key that mints, and all that made tokens which are out.
type refreshKeys struct {
	mint *mac
	read []*mac // the first one minted most of them
}

// NewRefresher makes a Refresher whose tokens are MACed with a key derived from
// the master key. now is the clock that decides about expiry.
func NewRefresher(m *Master, issuer string, now func() time.Time) *Refresher {
	r := &Refresher{issuer: issuer, claims: jwt.NewValidator(
		jwt.WithIssuer(issuer), jwt.WithAudience(issuer), jwt.WithExpirationRequired(), jwt.WithTimeFunc(now),
	)}
	r.Use(m)
	return r
}

// Use mints from now on with the key of m, and reads what that and the others made.
func (r *Refresher) Use(m *Master, others ...RefreshKey) {
	keys := &refreshKeys{mint: newMAC(m.refresh)}
	keys.read = append(keys.read, keys.mint)
	for _, other := range others {
		keys.read = append(keys.read, other.mac)
	}
	r.keys.Store(keys)
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
	minted, err := sign(refreshHeader, claims, hs256{jwt.SigningMethodHS256}, r.keys.Load().mint)
	if err != nil {
		return "", fmt.Errorf("sign a refresh token: %w", err)
	}
	return minted, nil
}
