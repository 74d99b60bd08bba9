package scopes

import (
	"net/http"
	"strings"
)

// BearerToken gives the token of the Authorization header (RFC 6750 §2.1). A token in the query string or in
// a form is never read. The error is an *Error: Missing when there is no Authorization header or one of
// another scheme, Malformed when the header is there twice or does not hold one bearer token.
func BearerToken(r *http.Request) (string, error) {
	headers := r.Header["Authorization"]
	if len(headers) == 0 {
		return "", errMissing
	}
	if len(headers) > 1 { // RFC 6750 §3.1: more than one method, or otherwise malformed: invalid_request.
		return "", badRequest("the Authorization header is there twice; send it once")
	}
	scheme, rest, _ := strings.Cut(headers[0], " ")
	if scheme == "" {
		return "", badRequest("the Authorization header is empty; send Bearer, a space and the access token")
	}
	if !strings.EqualFold(scheme, "Bearer") { // RFC 9110 §11.1: the scheme ignores letter case.
		return "", errMissing
	}
	token := strings.TrimLeft(rest, " ") // RFC 6750 §2.1: "Bearer" 1*SP b64token
	if !b64token(token) {
		return "", badRequest("the Authorization header is malformed; send Bearer, a space and one access token")
	}
	return token, nil
}

var errMissing = &Error{
	Kind:        Missing,
	Description: "no access token was sent; send one in the Authorization header: Bearer, a space, the token",
}

func badRequest(description string) *Error {
	return &Error{Kind: Malformed, Description: description, request: true}
}

// b64token: RFC 6750 §2.1: 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
func b64token(s string) bool {
	n := span(s, token68Char)
	return n > 0 && strings.TrimLeft(s[n:], "=") == ""
}
