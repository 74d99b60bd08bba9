package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/pages"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// consented tells what the person has allowed the app of this request before, if
// that answers it: known is false when they are to be asked.
func (s *Server) consented(ctx context.Context, a authorization, v visitor) (granted scopes.Set, known bool, err error) {
	if a.client.FirstParty {
		return a.scope, true, nil
	}
	if anybodyElse(a) {
		return nil, false, nil
	}
	before, ok, err := s.answerOf(ctx, a, v)
	if err != nil || !ok {
		return nil, false, err
	}
	granted = a.scope.Intersect(before.Granted)
	// The same question has the same answer, and less than was allowed needs none.
	same := slices.Contains(before.Asked, a.scope.String()) || granted.Equal(a.scope)
	if !same || !granted.Contains(fixedScopes(a)) || len(granted) == 0 && len(a.scope) > 0 {
		return nil, false, nil
	}
	return granted, true, nil
}

// answerOf is what the person answered the app, if they were asked.
func (s *Server) answerOf(ctx context.Context, a authorization, v visitor) (c store.Consent, ok bool, err error) {
	c, err = s.DB.Consent(ctx, v.user.ID, a.client.ID)
	return c, err == nil, ignoreNotFound(err)
}

// anybodyElse is whether another app could stand in for this one: any app on the
// device can use a public client's id, and wait at its address there (RFC 8252 §8.6). The
// person has to say that it was them who started it, every time (RFC 6749 §10.2).
func anybodyElse(a authorization) bool {
	return public(a.client) && appHost(a.redirectURI) == ""
}

// appHost is the host that the answer goes to. It is empty for an app on the
// person's own device: at a loopback address, or behind a scheme of its own.
func appHost(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || isLoopback(u) {
		return ""
	}
	return u.Host
}

// deviceAddress is what can be said of an app on the person's own device: host
// and port on loopback, or its scheme.
func deviceAddress(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || appHost(redirectURI) != "" {
		return ""
	}
	if isLoopback(u) {
		return u.Host
	}
	return u.Scheme + ":"
}

func isLoopback(u *url.URL) bool {
	return u.Scheme == "http" && isLoopbackHost(u.Hostname())
}

func isLoopbackHost(host string) bool {
	return slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, host)
}

// fixedScopes are those of a request that nobody can leave out.
func fixedScopes(a authorization) scopes.Set {
	return a.scope.Intersect(append(scopes.Set{"openid"}, a.client.RequiredScopes...))
}

// askConsent asks the person what the app may do.
func (s *Server) askConsent(w http.ResponseWriter, r *http.Request, a authorization, v visitor) error {
	before, _, err := s.answerOf(r.Context(), a, v)
	if err != nil {
		return err
	}
	fixed := fixedScopes(a)
	refused := scopes.Set(strings.Fields(strings.Join(before.Asked, " "))).Minus(before.Granted)
	view := pages.Consent{
		App: appName(a.client), Host: appHost(a.redirectURI), Device: deviceAddress(a.redirectURI), Username: v.user.Username,
		SignIn: s.withReturn("/login", a.afterSignIn(s.prefix)),
		Hidden: []pages.Field{{Name: "request", Value: a.query}, {Name: "session", Value: v.session.ID}, {Name: "asked", Value: a.scope.String()}},
	}
	if !slices.Equal(s.orOwn(a.audience), s.orOwn(nil)) {
		view.Audience = a.audience
	}
	for _, name := range a.scope {
		view.Scopes = append(view.Scopes, pages.Scope{
			Name: name, Description: s.describe(name), Fixed: fixed.Has(name), Ticked: !refused.Has(name),
		})
	}
	return s.show(w, http.StatusOK, func(out io.Writer) error { return s.pages.Consent(out, view) }, a.formAction()...)
}

// describe is what a scope lets an app do. One that exists no more has its name.
func (s *Server) describe(scope string) string {
	for _, known := range s.Scopes {
		if known.Name == scope && known.Description != "" {
			return known.Description
		}
	}
	return scope
}

// consent answers POST /consent. Whatever the form says is checked anew: the
// request, who is signed in, and what may be granted.
func (s *Server) consent(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	a, err := s.authorizationFrom(r.Context(), form.Get("request"))
	if err != nil {
		return s.answerRefusal(w, r, err)
	}
	if form.Get("decision") == "cancel" { // of the page to sign in: it takes nobody's permission to give up
		return s.refuseAuthorization(w, r, a, refusal(reason.SignInCancelled, accessDenied, "the user did not sign in"))
	}
	v, ok, err := s.visitor(r)
	if err != nil {
		return err
	}
	if ok {
		a.scope, err = s.userScope(a.scope, v.user)
	}
	if !ok || err != nil || !s.answers(form, a, v) {
		return seeOther(w, s.prefix+"/authorize?"+a.query)
	}
	ticked := tickedScopes(a, form)
	switch decision := form.Get("decision"); {
	case decision == "allow" && (len(ticked) > 0 || len(a.scope) == 0):
		return s.allow(w, r, a, v, ticked)
	case decision == "allow" || decision == "deny":
		s.audit(r.Context(), slog.LevelInfo, store.Event{Type: "consent.denied", Actor: byUser(v.user.ID), Subject: v.user.ID, ClientID: a.client.ID})
		return s.refuseAuthorization(w, r, a, refusal(reason.ConsentDenied, accessDenied, "the user did not allow it"))
	}
	return badRequest(reason.DecisionMissing, "the form does not say whether to allow or to deny")
}

// answers is whether a form answers this question, asked of this visitor. Else it is
// asked anew: somebody else signed in meanwhile, the sign-in became too old, or the
// settings of app or user changed.
func (s *Server) answers(form url.Values, a authorization, v visitor) bool {
	same := form.Get("session") == v.session.ID && form.Get("asked") == a.scope.String()
	return same && !s.mustSignIn(a, v) && !a.prompt.none && !a.prompt.selectAccount
}

// tickedScopes are those of the request that the person left ticked, with those
// that cannot be left out.
func tickedScopes(a authorization, form url.Values) (ticked scopes.Set) {
	fixed := fixedScopes(a)
	for _, name := range a.scope {
		if fixed.Has(name) || form.Has("scope."+name) {
			ticked = append(ticked, name)
		}
	}
	return ticked
}

// allow remembers what was allowed, and tells the app.
func (s *Server) allow(w http.ResponseWriter, r *http.Request, a authorization, v visitor, ticked scopes.Set) error {
	before, _, err := s.answerOf(r.Context(), a, v)
	if err != nil {
		return err
	}
	now := s.Now()
	put, err := s.DB.PutConsent(r.Context(), store.Consent{
		UserID: v.user.ID, ClientID: a.client.ID, Granted: append(scopes.Set(before.Granted).Minus(a.scope), ticked...),
		Asked: answered(before.Asked, a.scope.String()), CreatedAt: now, UpdatedAt: now,
	}, v.session.ID)
	if err != nil {
		return err
	}
	if !put { // signed out meanwhile, or the client is gone: the request says so
		return seeOther(w, s.prefix+"/authorize?"+a.query)
	}
	s.audit(r.Context(), slog.LevelInfo, store.Event{Type: "consent.given", Actor: byUser(v.user.ID), Subject: v.user.ID, ClientID: a.client.ID, Detail: store.Detail{"scope": ticked.String()}})
	return s.issueCode(w, r, a, v, ticked)
}

// mostAsked is how many questions of an app are remembered with their answer.
const mostAsked = 20

// answered adds a question to those that were answered before, the newest last.
func answered(before []string, question string) []string {
	asked := append(slices.DeleteFunc(slices.Clone(before), func(known string) bool { return known == question }), question)
	return asked[max(0, len(asked)-mostAsked):]
}
