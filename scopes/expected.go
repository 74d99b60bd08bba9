package scopes

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// expected is whom a token must be from and for.
type expected struct {
	issuer, audience string
	leeway           time.Duration
	others           []string // audiences besides
}

var errNoAudience = errors.New("the audience is empty: give the name that tokens for this service carry in aud")

// judge: RFC 9068 §4. Of several reasons, the one that no newer token would cure comes first. A date that is not there
// is not compared; readClaims sees to it that a JWT has those that are required.
func (x expected) judge(c *Claims, now time.Time) *Error {
	start := c.IssuedAt
	if c.notBefore.After(start) {
		start = c.notBefore
	}
	switch {
	case c.Issuer != x.issuer:
		return &Error{Kind: WrongIssuer, Description: fmt.Sprintf("the token is from the issuer %q; this service accepts those of %q",
			clip(c.Issuer), x.issuer)}
	case !x.isAmong(c.Audience):
		return &Error{Kind: WrongAudience, Description: fmt.Sprintf("the token is not for this service; ask for one with the audience %q",
			x.audience), Cause: fmt.Errorf("it is for %q", clip(strings.Join(c.Audience, " ")))}
	case !c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt.Add(x.leeway)):
		return &Error{Kind: Expired, Description: "the token expired at " + c.ExpiresAt.UTC().Format(time.RFC3339) + "; get a new one",
			Cause: fmt.Errorf("%s ago", now.Sub(c.ExpiresAt).Truncate(time.Second))}
	case now.Add(x.leeway).Before(start):
		return &Error{Kind: NotYetValid, Description: "the token is not valid yet; compare the clocks of the issuer and this service",
			Cause: fmt.Errorf("it is valid from %s, %s from now", start.UTC().Format(time.RFC3339), start.Sub(now).Truncate(time.Second))}
	}
	return nil
}

func (x expected) isAmong(audience []string) bool {
	return slices.Contains(audience, x.audience) ||
		slices.ContainsFunc(x.others, func(name string) bool { return slices.Contains(audience, name) })
}

// about adds to the refusal of a token whose signature was checked whose it is. Of another issuer's nothing is known: its
// users may have the same ids.
func (x expected) about(c *Claims, err *Error) *Error {
	if c.Issuer == x.issuer {
		err.Claims = c.share()
	}
	return err
}
