package server

import (
	"net/url"
	"strings"
)

// returnTo is where a person goes after a form: where it says, if that is a page
// of this server, and the account page otherwise. No form leads anywhere else
// (RFC 9700 §4.11.2).
func (s *Server) returnTo(given string) string {
	if s.isOwnPage(given) {
		return given
	}
	return s.prefix + "/account"
}

// isOwnPage is whether a browser takes given for a path of this server, whatever
// page it stands on. Paths here need no more characters than these, so that
// there is nothing in it that browsers and servers may read differently: no
// "//", "\", "%2f", "..", control characters.
func (s *Server) isOwnPage(given string) bool {
	path, query, _ := strings.Cut(given, "?")
	below, ok := strings.CutPrefix(path, s.prefix+"/")
	if !ok {
		return false
	}
	for segment := range strings.SplitSeq(below, "/") {
		if segment == "" || strings.HasPrefix(segment, ".") || strings.ContainsFunc(segment, notOfPaths) {
			return false
		}
	}
	return !strings.ContainsFunc(query, notOfQueries)
}

func notOfPaths(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
}

// notOfQueries are the characters that browsers encode in a query, or end it at.
func notOfQueries(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"#<>\\", r)
}

// authorizationOf is the query of the request to /authorize that a person goes
// back to. It is empty when they go elsewhere.
func (s *Server) authorizationOf(returnTo string) string {
	query, _ := strings.CutPrefix(returnTo, s.prefix+"/authorize?")
	if query == returnTo {
		return ""
	}
	return query
}

// withReturn is a page that leads back.
func (s *Server) withReturn(page, returnTo string) string {
	return s.prefix + page + "?" + url.Values{"return_to": {returnTo}}.Encode()
}
