package scopes

import (
	"errors"
	"fmt"
	"strings"
)

// ParseChallenge reads a WWW-Authenticate header value and gives its first Bearer challenge; challenges of
// other schemes before it are passed over (RFC 9110 §11.6.1). Unknown parameters are ignored. It is an error
// when there is no Bearer challenge, when a parameter is given twice (RFC 6750 §3), when the scope is outside
// the grammar of Parse or when the header is malformed.
func ParseChallenge(header string) (Challenge, error) {
	in := &cursor{rest: header}
	for in.skip(" \t,"); in.rest != "" && in.err == nil; in.skip(" \t,") {
		scheme, params := in.challenge()
		if in.err == nil && strings.EqualFold(scheme, "Bearer") {
			return bearerChallenge(params)
		}
	}
	if in.err != nil {
		return Challenge{}, in.err
	}
	return Challenge{}, errors.New("the WWW-Authenticate header has no Bearer challenge")
}

func bearerChallenge(params map[string]string) (Challenge, error) {
	if params == nil { // RFC 6750 §3: Bearer has parameters, never a token68.
		return Challenge{}, errors.New("malformed WWW-Authenticate header: a parameter of Bearer has no value")
	}
	scope, err := Parse(params["scope"])
	if err != nil {
		return Challenge{}, fmt.Errorf("WWW-Authenticate: %w", err)
	}
	return Challenge{
		Realm:            params["realm"],
		Error:            params["error"],
		ErrorDescription: params["error_description"],
		ResourceMetadata: params["resource_metadata"],
		Scope:            scope,
	}, nil
}

// cursor walks a header value. After the first mistake err is set and the rest means nothing.
type cursor struct {
	rest string
	err  error
}

// challenge reads a scheme and what follows it (RFC 9110 §11.3): parameters, none, or a token68 (params is nil).
func (c *cursor) challenge() (scheme string, params map[string]string) {
	scheme, params = c.token(), map[string]string{}
	if c.rest != "" && strings.IndexByte(" \t,", c.rest[0]) < 0 {
		c.fail("expected a scheme, then a space")
	}
	if c.skip(" \t"); c.token68() {
		return scheme, nil
	}
	for c.param(params) {
		if c.skip(" \t"); c.rest != "" && c.rest[0] != ',' {
			c.fail("expected a comma after a parameter")
		}
	}
	return scheme, params
}

// param reads name "=" value into params. False without an error means that the next scheme comes first.
func (c *cursor) param(params map[string]string) bool {
	c.skip(" \t,")
	start := c.rest
	name := strings.ToLower(c.token()) // RFC 9110 §11.2: letter case does not matter.
	if name == "" && c.rest != "" {
		c.fail("expected a parameter or a scheme")
	}
	if c.skip(" \t"); !strings.HasPrefix(c.rest, "=") {
		c.rest = start
		return false
	}
	c.rest = c.rest[1:]
	c.skip(" \t")
	if _, twice := params[name]; twice { // RFC 6750 §3: parameters MUST NOT appear more than once.
		c.fail("a parameter is given twice")
	}
	params[name] = c.value()
	return c.err == nil
}

// token68 passes over credentials such as those of Negotiate and reports whether there were any. What comes
// after them tells them from a parameter.
func (c *cursor) token68() bool {
	n := span(c.rest, token68Char)
	after := strings.TrimLeft(strings.TrimLeft(c.rest[n:], "="), " \t")
	if n == 0 || (after != "" && after[0] != ',') {
		return false
	}
	c.rest = after
	return true
}

func (c *cursor) value() string {
	if strings.HasPrefix(c.rest, `"`) {
		return c.quoted()
	}
	value := c.token()
	if value == "" {
		c.fail("a parameter has no value")
	}
	return value
}

// quoted reads a quoted-string (RFC 9110 §5.6.4).
func (c *cursor) quoted() string {
	var b strings.Builder
	for i := 1; i < len(c.rest); i++ {
		if c.rest[i] == '"' {
			c.rest = c.rest[i+1:]
			return b.String()
		}
		if c.rest[i] == '\\' && i+1 < len(c.rest) {
			i++ // a quoted-pair: the next character stands for itself
		}
		if char := c.rest[i]; char < ' ' && char != '\t' || char == 0x7f {
			c.fail("a quoted value has a control character")
		}
		b.WriteByte(c.rest[i])
	}
	c.fail("a quoted value has no end")
	return ""
}

func (c *cursor) token() string {
	n := span(c.rest, tokenChar)
	token := c.rest[:n]
	c.rest = c.rest[n:]
	return token
}

func (c *cursor) skip(chars string) { c.rest = strings.TrimLeft(c.rest, chars) }

func (c *cursor) fail(why string) {
	if c.err == nil {
		c.err = errors.New("malformed WWW-Authenticate header: " + why)
	}
}

// span is the length of the longest prefix of s made of the wanted characters.
func span(s string, wanted *[256]bool) int {
	n := 0
	for n < len(s) && wanted[s[n]] {
		n++
	}
	return n
}

var (
	// tokenChar: RFC 9110 §5.6.2.
	tokenChar = alphanumericOr("!#$%&'*+-.^_`|~")
	// token68Char: RFC 9110 §11.2; RFC 6750 §2.1 calls the same thing b64token.
	token68Char = alphanumericOr("-._~+/")
)

func alphanumericOr(others string) *[256]bool {
	const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var table [256]bool
	for _, c := range []byte(alphanumeric + others) {
		table[c] = true
	}
	return &table
}
