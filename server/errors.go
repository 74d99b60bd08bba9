package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// Error codes of RFC 6749 §5.2 and §4.1.2.1, RFC 6750 §3.1, RFC 8707 §2 and
// OpenID Connect Core §3.1.2.6.
const (
	invalidRequest          = "invalid_request"
	invalidClient           = "invalid_client"
	invalidGrant            = "invalid_grant"
	invalidScope            = "invalid_scope"
	invalidTarget           = "invalid_target"
	unauthorizedClient      = "unauthorized_client"
	unsupportedGrantType    = "unsupported_grant_type"
	unsupportedResponseType = "unsupported_response_type"
	accessDenied            = "access_denied"
	loginRequired           = "login_required"
	consentRequired         = "consent_required"
	unmetAuthentication     = "unmet_authentication_requirements" // OpenID Connect Core Error Code unmet_authentication_requirements §2
	temporarilyUnavailable  = "temporarily_unavailable"
	serverError             = "server_error"
	notFound                = "not_found"
	methodNotAllowed        = "method_not_allowed"
)

// basicChallenge is sent when a client that tried Basic is refused (RFC 6749 §5.2).
const basicChallenge = `Basic realm="grantd", charset="UTF-8"`

// Error is a refusal. Code and Hint are for the client's developer, Reason and Cause
// for the operator: callers never see those. None of them ever holds a secret or a token.
type Error struct {
	Code   string
	Hint   string
	Reason reason.Word
	Cause  error // what Reason is about in this request. Nil: there is no more to say
	Status int
	// Challenge is the WWW-Authenticate header. Empty means none.
	Challenge string
	// RetryAfter is when to try again. Zero means the header is left out.
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Hint, e.Cause)
	}
	return e.Code + ": " + e.Hint
}

func (e *Error) Unwrap() error { return e.Cause }

// because adds the cause, unless the hint says the same.
func (e *Error) because(cause error) *Error {
	if cause == nil || !strings.Contains(e.Hint, cause.Error()) {
		e.Cause = cause
	}
	return e
}

// becausef is because of a cause that is in the words alone.
func (e *Error) becausef(format string, args ...any) *Error {
	return e.because(fmt.Errorf(format, args...))
}

func badRequest(why reason.Word, hint string) *Error {
	return &Error{Code: invalidRequest, Hint: hint, Reason: why, Status: http.StatusBadRequest}
}

func badGrant(why reason.Word, hint string) *Error {
	return &Error{Code: invalidGrant, Hint: hint, Reason: why, Status: http.StatusBadRequest}
}

func badScope(why reason.Word, hint string) *Error {
	return &Error{Code: invalidScope, Hint: hint, Reason: why, Status: http.StatusBadRequest}
}

func badClient(why reason.Word, hint string) *Error {
	return &Error{Code: invalidClient, Hint: hint, Reason: why, Status: http.StatusUnauthorized}
}

func notForClient(why reason.Word, hint string) *Error {
	return &Error{Code: unauthorizedClient, Hint: hint, Reason: why, Status: http.StatusBadRequest}
}

func unavailable(why reason.Word, hint string, retry time.Duration) *Error {
	return &Error{Code: temporarilyUnavailable, Hint: hint, Reason: why, Status: http.StatusServiceUnavailable, RetryAfter: retry}
}

// asError finds the refusal in err, or makes one of a fault.
func asError(err error, requestID string) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), isTemporary(err):
		return unavailable(reason.DatabaseUnavailable, "the server cannot reach its database now; try again", 2*time.Second).because(err)
	case errors.Is(err, context.Canceled):
		return unavailable(reason.ClientLeft, "the request was cancelled", time.Second).because(err)
	}
	return &Error{
		Reason: whichFault(err), Code: serverError, Hint: "internal error; tell the operator request id " + requestID, Cause: err,
		Status: http.StatusInternalServerError,
	}
}

func whichFault(err error) reason.Word {
	if errors.Is(err, errPanic) {
		return reason.Panic
	}
	return reason.Fault
}

// isTemporary is whether a token could not be judged for a reason that passes.
func isTemporary(err error) bool {
	var e *scopes.Error
	var refused *Error
	return errors.As(err, &e) && e.Temporary() || errors.As(err, &refused) && refused.Code == temporarilyUnavailable
}

// writeError is the only place that turns an error into a reply.
func (f *frame) writeError(w http.ResponseWriter, r *http.Request, err error) {
	rec := recordOf(r.Context())
	e := asError(err, rec.id)
	rec.refused(e.Code, e.Reason, e)
	h := w.Header()
	if e.Challenge != "" {
		h.Set("WWW-Authenticate", e.Challenge)
	}
	setRetryAfter(h, e.RetryAfter)
	body := f.members(r)
	body["error"], body["error_description"] = e.Code, descriptionText(e.Hint)
	if err := writeJSON(w, e.Status, body); err != nil {
		f.log.DebugContext(r.Context(), "reply not sent", "id", rec.id, "error", err)
	}
}

// descriptionText keeps a description to the characters of RFC 6749 §5.2.
func descriptionText(hint string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r == '\\' {
			return '\''
		}
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, hint)
}

// scopeSyntax gives the words for a scope that Parse refused.
func scopeSyntax(err error) *Error {
	return badScope(reason.ScopeMalformed, "scope: "+err.Error())
}
