package scopes

import (
	"encoding/json"
	"time"

	"github.com/golang-jwt/jwt/v5"
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
}

// payload is the claims set as the token carries it. Reading goes on after a mistake; err keeps the first.
type payload struct {
	jwt.MapClaims
	err error
}

// UnmarshalJSON is where golang-jwt hands over the claims set.
func (p *payload) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &p.MapClaims); err != nil {
		return err
	}
	// RFC 7519 §4: names MUST be unique. Two readers of one token must not see two scopes.
	if members(data) != len(p.MapClaims) {
		return malformed("a claim of the token is there twice")
	}
	return nil
}

// claims reads the claims of RFC 9068 §2.2 and §2.2.1.
func (p *payload) claims() (*Claims, error) {
	c := &Claims{
		Issuer:    p.text("iss", true),
		Subject:   p.text("sub", true),
		ClientID:  p.text("client_id", true),
		ID:        p.text("jti", true),
		GrantID:   p.text("gid", false),
		Audience:  p.audience(),
		Scope:     p.scope(),
		IssuedAt:  p.date("iat", true),
		ExpiresAt: p.date("exp", true),
		AuthTime:  p.date("auth_time", false),
	}
	p.date("nbf", false) // golang-jwt compares it, but would take 1e300 for a date too.
	return c, p.err
}

func (p *payload) fail(why string) {
	if p.err == nil {
		p.err = malformed("the token is no access token of RFC 9068: " + why)
	}
}

func (p *payload) text(name string, required bool) string {
	v, ok := p.MapClaims[name]
	s, isText := v.(string)
	switch {
	case ok && !isText:
		p.fail("claim " + name + " is not a string")
	case required && s == "":
		p.fail("claim " + name + " is missing")
	}
	return s
}

// date reads a NumericDate (RFC 7519 §2), up to the last second of the year 9999.
func (p *payload) date(name string, required bool) time.Time {
	v, ok := p.MapClaims[name]
	seconds, isNumber := v.(float64)
	switch {
	case !ok && required:
		p.fail("claim " + name + " is missing")
	case ok && (!isNumber || seconds <= 0 || seconds >= 253402300800):
		p.fail("claim " + name + " is not a date in seconds since 1970")
	case ok:
		return time.Unix(int64(seconds), 0)
	}
	return time.Time{}
}

// audience: RFC 7519 §4.1.3: an array of strings, or one string.
func (p *payload) audience() []string {
	aud, err := p.GetAudience()
	if err != nil || len(aud) == 0 {
		p.fail("claim aud is missing or not a string or an array of strings")
	}
	return aud
}

// scope: RFC 8693 §4.2: one string in the grammar of RFC 6749 §3.3.
func (p *payload) scope() Set {
	set, err := Parse(p.text("scope", false))
	if err != nil {
		p.fail("claim scope: " + err.Error())
	}
	return set
}

// members counts the members of a JSON object that encoding/json has found valid: the colons that are neither
// in a string nor in an inner object. A map of the same object with fewer entries has lost a duplicate.
func members(object []byte) int {
	count, depth, quoted := 0, 0, false
	for i := 0; i < len(object); i++ {
		switch c := object[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ':' && depth == 1:
			count++
		}
	}
	return count
}
