package server

import (
	"fmt"
	"regexp"
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

// What begins the parts of an address, also where it was encoded once too often.
var (
	authorityBegins = regexp.MustCompile(`(?i)(/|\\|%(25)*2f){2}`)
	pathBegins      = regexp.MustCompile(`(?i)/|%(25)*2f`)
	userEnds        = regexp.MustCompile(`(?i)@|%(25)*40`)
	queryBegins     = regexp.MustCompile(`(?i)[?#]|%(25)*(3f|23)`)
)

// loggedURI is an address from outside without what could be a secret in it (query, fragment,
// user and password), clipped and quoted.
func loggedURI(uri string) string {
	uri = withoutUser(uri) // first: a password may have what begins a query
	if at := queryBegins.FindStringIndex(uri); at != nil {
		uri = uri[:at[1]] + "…"
	}
	if len(uri) > maxLoggedURI {
		uri = uri[:maxLoggedURI] + "…"
	}
	quoted := strconv.QuoteToASCII(uri)
	return strings.ReplaceAll(quoted, `\u2026`, "…")
}

// withoutUser leaves out who is in front of the host.
func withoutUser(uri string) string {
	begins := authorityBegins.FindStringIndex(uri)
	if begins == nil {
		return uri
	}
	start, authority := begins[1], uri[begins[1]:]
	if end := pathBegins.FindStringIndex(authority); end != nil {
		authority = authority[:end[0]]
	}
	ends := userEnds.FindAllStringIndex(authority, -1)
	if len(ends) == 0 {
		return uri
	}
	return uri[:start] + "…" + uri[start+ends[len(ends)-1][0]:]
}
