package server

import (
	"io"
	"net/http"

	"github.com/grantd/grantd/server/authreq"
	"github.com/grantd/grantd/server/reason"
)

// authorize answers GET /authorize (RFC 6749 §4.1.1).
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) error {
	a, err := s.authorizationFrom(r.Context(), r.URL.RawQuery)
	if err == nil {
		err = s.answerOrAsk(w, r, a)
	}
	return s.answerRefusal(w, r, err)
}

// authorizeForm answers POST /authorize: RFC 6749 §3.1 lets servers take requests
// in a body, OpenID Connect Core §3.1.2.1 demands it. Apps send it from their own site. Nothing
// happens but that the browser comes again with a link, and then has its cookies along.
func (s *Server) authorizeForm(w http.ResponseWriter, r *http.Request) error {
	if r.URL.RawQuery != "" {
		return badRequest(reason.ParametersTwoPlaces, "the app sent parameters in the URL and in a form; it may use one of the two")
	}
	if mediaType(r) != formType {
		return badRequest(reason.ContentTypeWrong, "the app sent something that is not a form").because(sentType(r))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return bodyError(err, "the form could not be read")
	}
	req, err := authreq.Parse(string(body))
	if err != nil {
		return unreadable(err)
	}
	if req, err = asLink(req, linkToAuthorize); err != nil {
		return err
	}
	return seeOther(w, s.prefix+"/authorize?"+req.Encode())
}

func unreadable(err error) error {
	return badRequest(reason.RequestUnreadable, "the app sent a request that cannot be read: "+err.Error())
}

// answerOrAsk takes a request as far as it goes, and asks the person for what is
// missing: who they are, then what the app may do.
func (s *Server) answerOrAsk(w http.ResponseWriter, r *http.Request, a authorization) error {
	var v visitor
	signedIn, err := false, error(nil)
	if navigates(r) { // else nobody sees what happens, and no code is made
		v, signedIn, err = s.visitor(r)
	}
	switch {
	case err != nil:
		return &authorizeError{a, err}
	case signedIn && !s.mustSignIn(a, v):
		return s.answerVisitor(w, r, a, v)
	case a.prompt.none:
		return &authorizeError{a, a.whySignIn(signedIn, v)}
	}
	if signedIn && a.wantsAnother(v) {
		return s.askAnother(w, r, a, v)
	}
	return s.askSignIn(w, r, a)
}

// mustSignIn is whether a visitor has to prove anew who they are, or to be somebody else.
func (s *Server) mustSignIn(a authorization, v visitor) bool {
	tooOld := a.maxAge >= 0 && (a.maxAge == 0 || s.Now().Sub(v.session.AuthTime) > a.maxAge)
	return a.prompt.login || tooOld || a.wantsAnother(v)
}

// whySignIn tells the developer of an app that wants nobody to be asked what is missing.
func (a authorization) whySignIn(signedIn bool, v visitor) *Error {
	if signedIn && !a.wantsAnother(v) { // prompt=none comes without login, so the time it is
		return refusal(reason.SignInTooOld, loginRequired, "the last sign-in is longer ago than max_age")
	}
	return refusal(reason.NobodySignedIn, loginRequired, "nobody is signed in whom this request could be about")
}

// wantsAnother: OpenID Connect Core §3.1.2.1: nothing is given out about another than
// the one whom the app asks for.
func (a authorization) wantsAnother(v visitor) bool { return a.subject != "" && a.subject != v.user.ID }

// answerVisitor is answerOrAsk for who is signed in.
func (s *Server) answerVisitor(w http.ResponseWriter, r *http.Request, a authorization, v visitor) (err error) {
	if a.prompt.selectAccount {
		return s.askAccount(w, r, a, v)
	}
	if a.scope, err = s.userScope(a.scope, v.user); err != nil {
		return &authorizeError{a, err}
	}
	granted, known, err := s.consented(r.Context(), a, v)
	switch {
	case err != nil:
		return &authorizeError{a, err}
	case known && (!a.prompt.consent || a.client.FirstParty):
		return s.issueCode(w, r, a, v, granted)
	case a.prompt.none:
		return &authorizeError{a, refusal(reason.ConsentMissing, consentRequired, whyConsent(a))}
	}
	return s.askConsent(w, r, a, v)
}

// whyConsent is whySignIn for what the person has to allow.
func whyConsent(a authorization) string {
	if !a.client.FirstParty && anybodyElse(a) {
		return "this client is asked about each time, because its redirect URI leads to the person's own device; prompt=none cannot work"
	}
	return "the user has not allowed this yet"
}
