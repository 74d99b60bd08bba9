package demoapp

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// What the app asks for: who people are, access while they are away, and two
// scopes of the API at first. The third it asks for when it is needed.
var (
	firstScope = []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess, "me", "items"}
	allScope   = append(firstScope[:len(firstScope):len(firstScope)], "items:write")
)

// login answers POST /login: it sends people to the issuer to sign in, or to allow
// the scopes in "missing" as well.
func (a *App) login(w http.ResponseWriter, r *http.Request) {
	p, err := a.issuer.get()
	if err != nil {
		a.fail(w, http.StatusBadGateway, "The demo app cannot find out how to sign people in.",
			"It asked "+a.Issuer+" and got: "+err.Error()+". Is grantd reachable under that URL, with a certificate that this machine trusts?")
		return
	}
	s := a.session(r)
	if s == nil {
		s = a.sessions.add()
		s.Lock()
		a.setCookie(w, s)
	}
	defer s.Unlock()
	more, scope := known(r.PostFormValue("missing")), firstScope
	if s.user != nil && len(more) > 0 {
		// A token may do what its own request asked for, so what was allowed is asked for again.
		had := strings.Fields(s.user.scope)
		scope = append(had, without(more, had)...)
	}
	state, begun := s.begin(a.sessions.now(), more...)
	options := []oauth2.AuthCodeOption{oidc.Nonce(begun.nonce), oauth2.S256ChallengeOption(begun.verifier)}
	if len(more) > 0 {
		// They want to be asked, even if they left the same out before (OpenID Connect Core §3.1.2.1).
		options = append(options, oauth2.SetAuthURLParam("prompt", "consent"))
	}
	http.Redirect(w, r, a.oauth(p, scope...).AuthCodeURL(state, options...), http.StatusSeeOther)
}

// callback answers GET /callback, to which the issuer sends people back.
func (a *App) callback(w http.ResponseWriter, r *http.Request) {
	s := a.session(r)
	if s == nil {
		a.fail(w, http.StatusBadRequest, "This sign-in did not begin in this browser, or it took too long.", "Go to the start page and sign in again.")
		return
	}
	defer s.Unlock()
	answer := r.URL.Query()
	begun, ok := s.finish(answer.Get("state"), a.sessions.now())
	if !ok { // RFC 6749 §10.12: somebody else's code would sign people in as somebody else
		a.fail(w, http.StatusBadRequest, "This sign-in did not begin in this browser, or it took too long.", "Go to the start page and sign in again.")
		return
	}
	p, err := a.issuer.get()
	if err != nil {
		a.fail(w, http.StatusBadGateway, "The demo app cannot reach grantd.", err.Error())
		return
	}
	// RFC 9207 §2.4: an answer of another server is no answer.
	if iss := answer["iss"]; len(iss) > 1 || len(iss) == 1 && iss[0] != a.Issuer || len(iss) == 0 && p.SendsIss {
		a.fail(w, http.StatusBadRequest, "This answer does not come from the server that the app asked.", "Go to the start page and sign in again.")
		return
	}
	if code := answer.Get("error"); code != "" {
		s.notice = refusal(code, answer.Get("error_description"), s.user != nil)
		a.toStart(w, r)
		return
	}
	u, err := a.redeem(r.Context(), p, answer.Get("code"), begun)
	if err != nil {
		s.notice = "Signing in did not work: " + explain(err)
		a.toStart(w, r)
		return
	}
	if s.user != nil && s.user.subject == u.subject {
		a.revoke(r.Context(), p, s.user.token.RefreshToken) // the new authorization takes its place
	}
	s.user, s.notice = u, leftOut(begun, u)
	a.sessions.renew(s)
	a.setCookie(w, s)
	a.toStart(w, r)
}

// leftOut says that people were asked for more and left it out, which is their right.
func leftOut(begun login, u *user) string {
	left := without(begun.missing, strings.Fields(u.scope))
	if len(left) == 0 {
		return ""
	}
	return "You left out " + list(left, nil) + ". That is fine: the app goes on without, and can ask again when you want it to."
}

// refusal words an error that came back instead of a code, to somebody who was
// signed in before they were asked or not.
func refusal(code, description string, signedIn bool) string {
	switch {
	case code == "access_denied" && signedIn:
		return "You did not allow it. What you allowed before stays as it was."
	case code == "access_denied":
		return "You did not allow it, so the app knows nothing about you. You can try again whenever you like."
	case code == "login_required" || code == "interaction_required" || code == "consent_required":
		return "grantd has to ask you something first. Sign in once more."
	}
	return "grantd refused: " + clip(code) + ": " + clip(description)
}

// redeem exchanges the code for tokens and checks who it is about.
func (a *App) redeem(ctx context.Context, p *provider, code string, begun login) (*user, error) {
	ctx = a.issuer.context(ctx)
	tokens, err := a.oauth(p).Exchange(ctx, code, oauth2.VerifierOption(begun.verifier))
	if err != nil {
		return nil, err
	}
	u := &user{token: tokens}
	if err := a.readIDToken(ctx, p, u, begun.nonce); err != nil {
		return nil, err
	}
	u.scope, _ = tokens.Extra("scope").(string)
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return nil, err
	}
	// OpenID Connect Core §5.3.2: the same subject, or the answer is about somebody else.
	if info.Subject != u.subject {
		return nil, errors.New("the user-info is about somebody else than the ID token")
	}
	return u, info.Claims(&u.info)
}

// readIDToken checks the ID token beside u.token (OpenID Connect Core §3.1.3.7).
func (a *App) readIDToken(ctx context.Context, p *provider, u *user, nonce string) error {
	raw, _ := u.token.Extra("id_token").(string)
	if raw == "" {
		return errors.New("there is no ID token in the answer; is the scope openid allowed to this app?")
	}
	checked, err := p.VerifierContext(ctx, &oidc.Config{ClientID: a.ClientID}).Verify(ctx, raw)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(checked.Nonce), []byte(nonce)) != 1 {
		return errors.New("the ID token belongs to another sign-in")
	}
	if err := checked.VerifyAccessToken(u.token.AccessToken); err != nil {
		return err
	}
	u.idToken, u.subject = raw, checked.Subject
	if err := checked.Claims(&u.claims); err != nil {
		return err
	}
	u.sid, _ = u.claims["sid"].(string)
	return nil
}

// explain words an error of the token endpoint by what the server said.
func explain(err error) string {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode != "" {
		return clip(refused.ErrorCode + ": " + refused.ErrorDescription)
	}
	return clip(err.Error())
}

// clip bounds what is shown of what came from outside.
func clip(s string) string {
	const most = 300
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
