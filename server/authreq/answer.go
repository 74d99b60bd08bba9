package authreq

import (
	"strings"
	"unicode/utf8"
)

// Answer holds the parameters of an answer to an app, in their order (RFC 6749 §4.1.2).
type Answer struct{ parameters []parameter }

// Add adds a parameter, unless its value is empty.
func (a *Answer) Add(name, value string) {
	if value != "" {
		a.parameters = append(a.parameters, parameter{name, value})
	}
}

// Each calls f with every parameter.
func (a Answer) Each(f func(name, value string)) {
	for _, p := range a.parameters {
		f(p.name, p.value)
	}
}

// URL is the redirect URI with the answer in its query. RFC 6749 §3.1.2: the query that it has
// is kept, here byte for byte: the app may have signed or ordered it.
func (a Answer) URL(redirectURI string) string {
	var b strings.Builder
	for _, p := range a.parameters {
		appendPair(&b, p.name, p.value)
	}
	switch {
	case !strings.Contains(redirectURI, "?"):
		return redirectURI + "?" + b.String()
	case strings.HasSuffix(redirectURI, "?"), strings.HasSuffix(redirectURI, "&"):
		return redirectURI + b.String()
	}
	return redirectURI + "&" + b.String()
}

// FitsForm reports whether a form in an HTML page can carry s unchanged: browsers
// rewrite line ends and bytes that are not UTF-8, and HTML has no NUL.
func FitsForm(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool { return c < 0x20 || c >= 0x7f && c < 0xa0 })
}
