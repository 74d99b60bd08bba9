package scopes

import "strings"

// Challenge is the value of a WWW-Authenticate header that asks for a bearer token (RFC 6750 §3). An empty
// field is a parameter left out.
type Challenge struct {
	Realm string
	// Error is a code of RFC 6750 §3.1: invalid_request, invalid_token or insufficient_scope. It is empty
	// when the request carried no token.
	Error            string
	ErrorDescription string
	// ResourceMetadata is the URL of the metadata of the resource (RFC 9728 §5.1).
	ResourceMetadata string
	// Scope is what the resource needs.
	Scope Set
}

// String gives the header value. Whatever the fields hold, it is one line of ASCII that ParseChallenge reads:
// characters that a parameter may not carry become "?", in descriptions quotes become apostrophes, and names
// outside the scope grammar are left out.
func (c Challenge) String() string {
	var b strings.Builder
	b.WriteString("Bearer")
	param(&b, "realm", quotable(c.Realm))
	param(&b, "error", describable(c.Error))
	param(&b, "error_description", describable(c.ErrorDescription))
	param(&b, "scope", c.Scope.keep(ValidName).String())
	param(&b, "resource_metadata", quotable(c.ResourceMetadata))
	if b.Len() == len("Bearer") {
		return `Bearer realm=""` // RFC 6750 §3: the scheme MUST be followed by at least one parameter.
	}
	return b.String()
}

func param(b *strings.Builder, name, value string) {
	if value == "" {
		return
	}
	if b.Len() > len("Bearer") {
		b.WriteByte(',')
	}
	b.WriteString(" " + name + `="` + value + `"`)
}

// describable keeps to RFC 6750 §3: error and error_description MUST NOT include characters outside
// %x20-21 / %x23-5B / %x5D-7E. RFC 6749 §5.2 says the same of their JSON namesakes.
func describable(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '"':
			return '\''
		case '\\':
			return '/'
		}
		return printable(r)
	}, s)
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quotable is the inside of a quoted-string (RFC 9110 §5.6.4). A quoted-pair cannot carry a control, so CR and
// LF, which would start a header of their own, have no way in.
func quotable(s string) string { return escapes.Replace(strings.Map(printable, s)) }

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}
