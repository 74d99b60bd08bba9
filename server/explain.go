package server

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/pages"
	"github.com/grantd/grantd/server/reason"
)

// members are what the body of every error has besides its code and description. RFC 6749
// §5.2 lets clients pass over members that they do not know.
func (f *frame) members(r *http.Request) map[string]any {
	rec := recordOf(r.Context())
	members := map[string]any{"request_id": rec.id}
	if f.explains {
		members["explanation"] = rec.explanation()
	}
	return members
}

// explained is the explanation for a page. Nil: there is none, for people are not to know.
func (f *frame) explained(rec *record) *pages.Explanation {
	if !f.explains {
		return nil
	}
	e := pages.Explanation(rec.explanation())
	return &e
}

// explanation is what developers see of a refusal, on their own machine.
type explanation struct {
	Reason string `json:"reason"`
	What   string `json:"what"`
	Fix    string `json:"fix"`
	Detail string `json:"detail,omitempty"`
}

func (rec *record) explanation() explanation {
	entry, _ := reason.Find(rec.reason)
	_, detail := rec.toldAndWhy()
	return explanation{string(rec.reason), entry.What, entry.Fill(cmp.Or(rec.client, rec.claimed), rec.subject, rec.grant), detail}
}

// toldAndWhy are the two halves of a refusal: what the caller was told, and what is for the operator alone.
func (rec *record) toldAndWhy() (told, why string) {
	var e *Error
	var ofToken *scopes.Error
	cause := error(nil)
	switch {
	case rec.cause == nil:
		return "", ""
	case errors.As(rec.cause, &e):
		told, cause = e.Hint, e.Cause
	case errors.As(rec.cause, &ofToken):
		told, cause = ofToken.Description, ofToken.Cause
	default: // of the resource router
		told = strings.TrimPrefix(rec.cause.Error(), rec.outcome+": ")
	}
	if cause != nil {
		why = cause.Error()
	}
	return told, why
}

// about notes which user and authorization a refusal is about.
func (rec *record) about(subject, grant string) { rec.subject, rec.grant = subject, grant }

// tokenRefused notes why the access token of a request was refused, or that there is none.
func (f *frame) tokenRefused(r *http.Request, e *scopes.Error) {
	rec := recordOf(r.Context())
	if c := cmp.Or(e.Claims, rec.token); c != nil {
		rec.claimed = c.ClientID
		rec.about(c.Subject, c.GrantID)
	}
	if rec.revocation != nil && e.Kind == scopes.Revoked {
		e = &scopes.Error{Kind: e.Kind, Description: e.Description, Cause: rec.revocation, Claims: e.Claims}
	}
	rec.refused(e.Code(), reason.OfToken(e), e)
}
