package server

import (
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
)

// revokeLimits bounds how fast access tokens are revoked one by one. Each makes the
// list longer that every service fetches, and they are made for nothing: a refresh
// within the grace gives one and writes nothing. Past the limit the refresh token
// is to be revoked, which ends all of them by one entry.
type revokeLimits struct {
	grants  *rates[string] // the access tokens of one authorization
	clients *rates[string] // those that a confidential client gets for itself
}

func newRevokeLimits() revokeLimits {
	return revokeLimits{newRates[string](Rate{30, time.Minute}), newRates[string](Rate{600, time.Minute})}
}

// take counts a revocation, or refuses it.
func (l *revokeLimits) take(c *scopes.Claims, now time.Time) error {
	by, key := l.grants, c.GrantID
	if key == "" {
		by, key = l.clients, c.ClientID
	}
	if by.take(key, now) == 0 {
		return nil
	}
	return tooMany(reason.RevokeLimit, "too many access tokens are revoked one by one; revoke the refresh token, which ends all of its authorization", by.rate.every())
}
