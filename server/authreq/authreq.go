// Package authreq reads authorization requests (RFC 6749 §4.1.1) and writes the
// answers to them: parameters, redirect URIs, PKCE. It is pure: it knows nothing
// of clients, people and the database.
package authreq

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// MaxQuery bounds a request, as Encode writes it, in bytes: a state of 8 KB of any bytes takes 24 KB.
// Twice encoded, in the forms of our pages, it stays below the 64 KB of a body.
const MaxQuery = 32 << 10

// Request holds the parameters of an authorization request, in their order.
type Request struct{ parameters []parameter }

type parameter struct{ name, value string }

// Errors of Parse.
var (
	ErrTooLong   = errors.New("the request is longer than 32 KB")
	ErrMalformed = errors.New("the request is not well-formed application/x-www-form-urlencoded")
)

// Parse reads the query of a GET or the body of a POST. RFC 6749 §3.1: a parameter
// without a value counts as left out. The values may hold any bytes; the error
// is ErrTooLong or ErrMalformed.
func Parse(query string) (Request, error) {
	if len(query) > 3*MaxQuery { // before any work; a third is left when it is encoded as it need be
		return Request{}, ErrTooLong
	}
	var r Request
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if value == "" {
			continue
		}
		p, err := unescape(name, value)
		if err != nil {
			return Request{}, ErrMalformed
		}
		r.parameters = append(r.parameters, p)
	}
	if len(r.Encode()) > MaxQuery {
		return Request{}, ErrTooLong
	}
	return r, nil
}

func unescape(name, value string) (p parameter, err error) {
	if p.name, err = url.QueryUnescape(name); err != nil {
		return p, err
	}
	p.value, err = url.QueryUnescape(value)
	return p, err
}

// Get is the value of a parameter, the first of several; empty when it is not there.
func (r Request) Get(name string) string {
	for _, p := range r.parameters {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// All are the values of a parameter.
func (r Request) All(name string) (values []string) {
	for _, p := range r.parameters {
		if p.name == name {
			values = append(values, p.value)
		}
	}
	return values
}

// Has reports whether a parameter is there.
func (r Request) Has(name string) bool { return r.Get(name) != "" }

// Repeated is the name of a parameter that is there more than once, which
// RFC 6749 §3.1 forbids, those of allowed left out; empty if there is none.
func (r Request) Repeated(allowed ...string) string {
	seen := make(map[string]bool, len(r.parameters))
	for _, p := range r.parameters {
		if seen[p.name] && !slices.Contains(allowed, p.name) {
			return p.name
		}
		seen[p.name] = true
	}
	return ""
}

// Each calls f with every parameter, until it returns false.
func (r Request) Each(f func(name, value string) bool) {
	for _, p := range r.parameters {
		if !f(p.name, p.value) {
			return
		}
	}
}

// Without is the request without some parameters.
func (r Request) Without(names ...string) Request {
	return Request{slices.DeleteFunc(slices.Clone(r.parameters), func(p parameter) bool { return slices.Contains(names, p.name) })}
}

// With is the request with a parameter in place of those of its name.
func (r Request) With(name, value string) Request {
	without := r.Without(name)
	if value == "" {
		return without
	}
	return Request{append(without.parameters, parameter{name, value})}
}

// Encode is the request as the query of a URL, in ASCII. Parse reads the same parameters from it.
func (r Request) Encode() string {
	var b strings.Builder
	for _, p := range r.parameters {
		appendPair(&b, p.name, p.value)
	}
	return b.String()
}

func appendPair(b *strings.Builder, name, value string) {
	if b.Len() > 0 {
		b.WriteByte('&')
	}
	b.WriteString(url.QueryEscape(name))
	b.WriteByte('=')
	b.WriteString(url.QueryEscape(value))
}
