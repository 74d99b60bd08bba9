package token

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
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

type refreshClaims struct {
	jwt.RegisteredClaims
	ClientID   string `json:"client_id"`
	Scope      string `json:"scope"`
	GrantID    string `json:"gid"`
	Generation int64  `json:"gen"`
}

// Refresher mints and reads the refresh tokens of one issuer.
type Refresher struct {
	issuer string
	key    []byte
	parser *jwt.Parser
}

// NewRefresher makes a Refresher whose tokens are MACed with a key derived from
// the master key. now is the clock that decides about expiry.
func NewRefresher(m *Master, issuer string, now func() time.Time) *Refresher {
	return &Refresher{issuer: issuer, key: m.refresh, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{HS256}),
		jwt.WithIssuer(issuer), jwt.WithAudience(issuer),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(now), jwt.WithStrictDecoding(),
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
	minted, err := sign(refreshHeader, claims, jwt.SigningMethodHS256, r.key)
	if err != nil {
		return "", fmt.Errorf("sign a refresh token: %w", err)
	}
	return minted, nil
}

// Read checks a refresh token and says what it says. It returns ErrNotRefresh
// or ErrRefreshExpired, and never part of the token.
func (r *Refresher) Read(s string) (Refresh, error) {
	// Before any work: s comes from a stranger. encoding/base64 passes over line breaks.
	if len(s) > maxRefreshBytes || strings.ContainsAny(s, "\r\n") {
		return Refresh{}, ErrNotRefresh
	}
	var claims refreshClaims
	_, err := r.parser.ParseWithClaims(s, &claims, r.keyFor)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired): // after the MAC was checked
		return Refresh{}, ErrRefreshExpired
	case err != nil:
		return Refresh{}, ErrNotRefresh
	}
	scope, err := scopes.Parse(claims.Scope)
	if err != nil || claims.GrantID == "" || claims.Generation < 1 || claims.IssuedAt == nil {
		return Refresh{}, ErrNotRefresh
	}
	return Refresh{
		Subject: claims.Subject, ClientID: claims.ClientID, Scope: scope,
		GrantID: claims.GrantID, Generation: claims.Generation,
		IssuedAt: claims.IssuedAt.Time, ExpireAt: claims.ExpiresAt.Time,
	}, nil
}

// keyFor gives the key for the tokens we made and for no others: an access token
// made under HS256 has another typ, besides another key.
func (r *Refresher) keyFor(t *jwt.Token) (any, error) {
	if t.Header["typ"] != refreshType {
		return nil, ErrNotRefresh
	}
	return r.key, nil
}
