package scopes

import (
	"encoding/json"
	"errors"
	"time"
)

// Claims are those of a valid access token (RFC 9068 §2.2).
type Claims struct {
	// Issuer is the claim iss, Subject sub (the user's immutable id, or the client's id where no user is
	// involved), ClientID client_id, ID jti.
	Issuer, Subject, ClientID, ID string
	// GrantID names the authorization (claim gid); empty for client_credentials.
	GrantID string
	// Audience is the claim aud: the services that the token is for.
	Audience []string
	// Scope is the claim scope; empty when the token has none.
	Scope Set
	// IssuedAt and ExpiresAt are the claims iat and exp. AuthTime is auth_time, when the user logged in;
	// zero when the token does not say.
	IssuedAt, ExpiresAt, AuthTime time.Time
	// Payload is the JSON object of all claims, as the issuer signed it. Decode reads more claims from it. It is
	// shared with others who have the same token: do not write into it.
	Payload json.RawMessage

	notBefore time.Time
	marks     tokenMarks // hashed once, for a token is used often
}

// Decode reads the claims of Payload into v, as encoding/json does: for those that Claims has no field for.
func (c *Claims) Decode(v any) error { return json.Unmarshal(c.Payload, v) }

// share is a copy for a caller: what it does to its claims is seen by nobody else who has the same token. Only Payload
// is shared, to be read.
func (c *Claims) share() *Claims {
	own := &struct {
		Claims
		room [4]string // of most tokens, in one piece with the rest
	}{Claims: *c}
	texts := append(append(own.room[:0], c.Scope...), c.Audience...)
	if n := len(c.Scope); c.Scope != nil {
		own.Scope = texts[:n:n]
	}
	own.Audience = texts[len(c.Scope):len(texts):len(texts)]
	own.Payload = own.Payload[:len(own.Payload):len(own.Payload)]
	return &own.Claims
}

// readClaims reads the claims of RFC 9068 §2.2 and §2.2.1. The error is an *Error.
func readClaims(payload []byte) (*Claims, error) {
	c := &Claims{Payload: payload}
	err := eachMember(string(payload), c.set) // all claims that are strings are pieces of one
	if errors.Is(err, errNoObject) {
		return nil, malformed("the token is not a JWT: its claims are not a JSON object")
	}
	if errors.Is(err, errTwice) {
		return nil, malformed("a claim of the token is there twice")
	}
	if err == nil {
		err = c.complete()
	}
	if err != nil {
		return nil, malformed("the token is no access token of RFC 9068: " + err.Error())
	}
	c.marks = marksOf(c)
	return c, nil
}

// set takes in one claim. Names are told apart by letter case (RFC 7519 §4).
func (c *Claims) set(name, value string) error {
	ok, want := true, "a string"
	switch name {
	case "iss":
		c.Issuer, ok = text(value)
	case "sub":
		c.Subject, ok = text(value)
	case "client_id":
		c.ClientID, ok = text(value)
	case "jti":
		c.ID, ok = text(value)
	case "gid":
		c.GrantID, ok = text(value)
	case "aud": // RFC 7519 §4.1.3
		c.Audience, ok = texts(value)
		want = "a string or an array of strings"
	case "scope":
		return c.setScope(value)
	default:
		ok, want = c.setDate(name, value), "a date in seconds since 1970"
	}
	if !ok {
		return errors.New("claim " + name + " is not " + want)
	}
	return nil
}

func (c *Claims) setDate(name, value string) (ok bool) {
	switch name {
	case "exp":
		c.ExpiresAt, ok = date(value)
	case "iat":
		c.IssuedAt, ok = date(value)
	case "nbf":
		if ok = value == "0"; !ok { // some issuers write it to say nothing
			c.notBefore, ok = date(value)
		}
	case "auth_time":
		c.AuthTime, ok = date(value)
	default:
		ok = true // a claim of which Claims has no field
	}
	return ok
}

// setScope: RFC 8693 §4.2: one string in the grammar of RFC 6749 §3.3.
func (c *Claims) setScope(value string) error {
	names, ok := text(value)
	if !ok {
		return errors.New("claim scope is not a string")
	}
	set, err := Parse(names)
	if err != nil {
		return errors.New("claim scope: " + err.Error())
	}
	c.Scope = set
	return nil
}

// complete: RFC 9068 §2.2: what is REQUIRED.
func (c *Claims) complete() error {
	for _, required := range [...]struct {
		name  string
		there bool
	}{
		{"iss", c.Issuer != ""}, {"exp", !c.ExpiresAt.IsZero()}, {"aud", len(c.Audience) > 0 && c.Audience[0] != ""},
		{"sub", c.Subject != ""}, {"client_id", c.ClientID != ""}, {"iat", !c.IssuedAt.IsZero()}, {"jti", c.ID != ""},
	} {
		if !required.there {
			return errors.New("claim " + required.name + " is missing")
		}
	}
	return nil
}
