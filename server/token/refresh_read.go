package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
)

// Read checks a refresh token and says what it says. It returns ErrNotRefresh
// or ErrRefreshExpired, and never more of the token than its times and authorization. Of the first it tells as ErrOtherKey what
// a server may have made that knows a newer master key.
func (r *Refresher) Read(s string) (Refresh, error) {
	payload, err := r.open(s)
	if err != nil {
		return Refresh{}, err
	}
	claims, err := readRefreshClaims(payload)
	if err == nil {
		err = r.claims.Validate(claims)
	}
	switch {
	case errors.Is(err, jwt.ErrTokenExpired): // after the MAC was checked
		return Refresh{}, claims.expired()
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

// open gives the claims of a token that we made. Of what we did not make, nothing is parsed. There is one header, so an
// access token made under HS256 is none of ours, besides having another key (RFC 8725 §3.1, §3.11).
func (r *Refresher) open(s string) (payload string, err error) {
	if len(s) > maxRefreshBytes || !strings.HasPrefix(s, refreshHeader) { // Before any work: s comes from a stranger.
		return "", ErrNotRefresh
	}
	dot := strings.LastIndexByte(s, '.')
	switch {
	case dot < len(refreshHeader):
		return "", ErrNotRefresh
	case !r.signed(s[:dot], s[dot+1:]):
		return "", ErrOtherKey
	}
	var room [usualClaims]byte
	claims, err := base64.RawURLEncoding.Strict().AppendDecode(room[:0], []byte(s[len(refreshHeader):dot]))
	if err != nil {
		return "", ErrNotRefresh
	}
	return string(claims), nil
}

// signed is whether the signature, in base64url, is one that we gave text. It has one spelling, and so nothing of it is decoded.
func (r *Refresher) signed(text, signature string) bool {
	for _, key := range r.keys.Load().read { // a handful: see server.mostRefreshKeys
		if key.signed(text, signature) {
			return true
		}
	}
	return false
}

func (m *mac) signed(text, signature string) bool {
	var sum [sha256.Size]byte
	var room [44]byte
	want := base64.RawURLEncoding.AppendEncode(room[:0], m.appendTo(sum[:0], text))
	return subtle.ConstantTimeCompare(want, []byte(signature)) == 1
}

type refreshClaims struct {
	jwt.RegisteredClaims
	ClientID   string `json:"client_id"`
	Scope      string `json:"scope"`
	GrantID    string `json:"gid"`
	Generation int64  `json:"gen"`
}

// expired is ErrRefreshExpired, with what the operator wants to know of a token that was ours.
func (c *refreshClaims) expired() error {
	if c.IssuedAt == nil {
		return ErrRefreshExpired
	}
	return fmt.Errorf("%w at %s; it is of authorization %q and was issued at %s", ErrRefreshExpired,
		c.ExpiresAt.UTC().Format(time.RFC3339), c.GrantID, c.IssuedAt.UTC().Format(time.RFC3339))
}

// readRefreshClaims reads what Mint prints, and what other versions may print.
func readRefreshClaims(payload string) (*refreshClaims, error) {
	claims := new(refreshClaims)
	if claims.read(payload) {
		return claims, nil
	}
	claims = new(refreshClaims)
	return claims, json.Unmarshal([]byte(payload), claims)
}

// read is the counterpart of Mint.
func (c *refreshClaims) read(payload string) bool {
	r := reader{payload, true}
	r.name(`{"`, "iss")
	c.Issuer = r.quoted()
	c.Subject = r.string("sub")
	r.name(`,"`, "aud")
	r.skip("[")
	c.Audience = jwt.ClaimStrings{r.quoted()}
	r.skip("]")
	c.ExpiresAt = &jwt.NumericDate{Time: time.Unix(r.int("exp"), 0)}
	c.IssuedAt = &jwt.NumericDate{Time: time.Unix(r.int("iat"), 0)}
	c.ID = r.string("jti")
	c.ClientID = r.string("client_id")
	c.Scope = r.string("scope")
	c.GrantID = r.string("gid")
	c.Generation = r.int("gen")
	return r.ok && r.rest == "}"
}
