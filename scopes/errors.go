package scopes

import "net/http"

// Kind is the reason of an Error, fit for a log field or a metric label.
type Kind string

// The kinds of Error. Each comment ends with the HTTP status and the RFC 6750 §3.1 code that go with it.
const (
	// Missing: the request carries no access token. 401; the challenge has no error code.
	Missing Kind = "missing"
	// Malformed: the Authorization header cannot be read, 400 invalid_request; or what it holds is no
	// access token of RFC 9068, 401 invalid_token.
	Malformed Kind = "malformed"
	// Expired: the time of the claim exp is over. 401 invalid_token.
	Expired Kind = "expired"
	// NotYetValid: the claim nbf or iat lies in the future. 401 invalid_token.
	NotYetValid Kind = "not_yet_valid"
	// WrongIssuer: another server than VerifierOptions.Issuer issued the token. 401 invalid_token.
	WrongIssuer Kind = "wrong_issuer"
	// WrongAudience: the token is meant for other services. 401 invalid_token.
	WrongAudience Kind = "wrong_audience"
	// WrongType: a JWT, but not an access token: an ID token, a refresh token. 401 invalid_token.
	WrongType Kind = "wrong_type"
	// UnknownKey: the issuer publishes no key of this id. 401 invalid_token.
	UnknownKey Kind = "unknown_key"
	// BadSignature: the signature does not fit the key, or the algorithm is not the key's. 401 invalid_token.
	BadSignature Kind = "bad_signature"
	// Revoked: the issuer took the token back. 401 invalid_token.
	Revoked Kind = "revoked"
	// Inactive: the issuer, asked by an Introspector, says that the token is not active: expired, revoked or
	// unknown. 401 invalid_token.
	Inactive Kind = "inactive"
	// Insufficient: a valid token without all the scopes that the route needs. 403 insufficient_scope.
	Insufficient Kind = "insufficient"
	// KeysUnavailable: the keys cannot be had now, a fault that is not the client's. 503 temporarily_unavailable.
	KeysUnavailable Kind = "keys_unavailable"
	// RevocationsUnavailable: nobody can tell now whether the token was revoked. 503 temporarily_unavailable.
	RevocationsUnavailable Kind = "revocations_unavailable"
	// Unavailable: the issuer cannot be asked about the token now, or a TokenVerifier of your own failed. 503
	// temporarily_unavailable.
	Unavailable Kind = "unavailable"
)

// Error says why a request or a token is refused; errors.As finds it in all that Verify and BearerToken return.
type Error struct {
	Kind Kind
	// Description names the cause and the remedy for the developer of the client. It never holds the token.
	Description string
	// Cause is for the log of the service, not for the client. It may be nil.
	Cause error
	// Claims are those of a token that the issuer did make, and that is refused for another reason, such as that it has
	// expired: they tell the log of the service whose it is, and let nobody in. Nil where nothing in the token is proven.
	Claims *Claims

	// request tells the two places apart where something Malformed can be: the request, not the token.
	request bool
}

// ErrUnknownKey is what the Key method of a KeySource returns when the issuer has no key of that id.
var ErrUnknownKey error = &Error{
	Kind:        UnknownKey,
	Description: "the issuer publishes no key with the id (kid) of this token; get a new token",
}

// Error gives the description, then the cause.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Description
	}
	return e.Description + ": " + e.Cause.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Code is the error code of the reply body: invalid_request, invalid_token or insufficient_scope (RFC 6750
// §3.1), or temporarily_unavailable (RFC 6749 §4.1.2.1).
func (e *Error) Code() string {
	switch {
	case e.request:
		return "invalid_request"
	case e.Kind == Insufficient:
		return "insufficient_scope"
	case e.Temporary():
		return "temporarily_unavailable"
	}
	return "invalid_token"
}

// Status is the HTTP status of the reply: 400, 401, 403 or 503.
func (e *Error) Status() int {
	switch {
	case e.request:
		return http.StatusBadRequest
	case e.Kind == Insufficient:
		return http.StatusForbidden
	case e.Temporary():
		return http.StatusServiceUnavailable
	}
	return http.StatusUnauthorized
}

// Temporary reports a fault that is not the token's: the same token may be good a little later.
func (e *Error) Temporary() bool {
	return e.Kind == KeysUnavailable || e.Kind == RevocationsUnavailable || e.Kind == Unavailable
}

func malformed(description string) *Error { return &Error{Kind: Malformed, Description: description} }
