package server

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
)

// revokeLimits bounds how fast access tokens are revoked one by one. Each makes the
// list longer that every service fetches, and they are made for nothing: a refresh
// within the grace gives one and writes nothing. Past the limit the refresh token
// is to be revoked, which ends all of them by one entry.
type revokeLimits struct {
	mu     sync.Mutex
	by     map[string]*rate.Limiter
	tidied time.Time
}

// What is bounded: the access tokens of one authorization, and those that a
// confidential client gets for itself.
const (
	grantRevokes, grantRevokeEvery   = 30, 2 * time.Second
	clientRevokes, clientRevokeEvery = 600, 100 * time.Millisecond
)

// take counts a revocation, or refuses it.
func (l *revokeLimits) take(c *scopes.Claims, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tidy(now)
	key, every, burst := "grant "+c.GrantID, grantRevokeEvery, grantRevokes
	if c.GrantID == "" {
		key, every, burst = "client "+c.ClientID, clientRevokeEvery, clientRevokes
	}
	if l.by == nil {
		l.by = map[string]*rate.Limiter{}
	}
	if l.by[key] == nil {
		l.by[key] = rate.NewLimiter(rate.Every(every), burst)
	}
	if l.by[key].AllowN(now, 1) {
		return nil
	}
	return &Error{
		Reason: reason.RevokeLimit,
		Code:   temporarilyUnavailable,
		Hint:   "too many access tokens are revoked one by one; revoke the refresh token, which ends all of its authorization",
		Status: http.StatusTooManyRequests, RetryAfter: every,
	}
}

// tidy forgets, once a minute, who has not revoked anything for long.
func (l *revokeLimits) tidy(now time.Time) {
	if now.Sub(l.tidied).Abs() < time.Minute {
		return
	}
	l.tidied = now
	for key, limiter := range l.by {
		if limiter.TokensAt(now) >= float64(limiter.Burst()) {
			delete(l.by, key)
		}
	}
}
