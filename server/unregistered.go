package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Bounds of what the log says of an address that is not registered.
const (
	maxLoggedURI  = 200 // bytes of what was sent
	maxLoggedURIs = 5   // of those that are registered
)

// unregistered is, for the operator alone, how the address that an app sent in a parameter differs
// from the nearest that it registered: one look should show the wrong port or slash.
func unregistered(parameter, sent string, registered []string) error {
	if len(registered) == 0 {
		return fmt.Errorf("%s %s was sent, none is registered", parameter, loggedURI(sent))
	}
	if slices.Contains(registered, sent) { // see authreq.Registered: nobody is sent there, whoever registered it
		return fmt.Errorf("%s %s is registered, but browsers cannot be sent there", parameter, loggedURI(sent))
	}
	more := ""
	if n := len(registered) - maxLoggedURIs; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	shown := slices.Clone(registered[:min(len(registered), maxLoggedURIs)])
	for i, uri := range shown {
		shown[i] = strconv.QuoteToASCII(uri)
	}
	return fmt.Errorf("%s %s; %s was sent, registered are %s%s", parameter, difference(sent, nearestURI(sent, registered)),
		loggedURI(sent), strings.Join(shown, ", "), more)
}

// loggedURI is an address from outside without what could be a secret in it (query, fragment,
// user and password), clipped and quoted.
func loggedURI(uri string) string {
	if i := strings.IndexAny(uri, "?#"); i >= 0 {
		uri = uri[:i+1] + "…"
	}
	if scheme, rest, ok := strings.Cut(uri, "//"); ok {
		host, _, _ := strings.Cut(rest, "/")
		if i := strings.LastIndex(host, "@"); i >= 0 {
			uri = scheme + "//…" + rest[i:]
		}
	}
	if len(uri) > maxLoggedURI {
		uri = uri[:maxLoggedURI] + "…"
	}
	quoted := strconv.QuoteToASCII(uri)
	return strings.ReplaceAll(quoted, `\u2026`, "…")
}
