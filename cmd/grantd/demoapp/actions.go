package demoapp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
)

// result is what a button brought, for the page to show.
type result struct {
	Title, Request, Status string
	Challenge, Body        string
	Note                   string
	// Missing are the scopes that it takes, and that people can still allow.
	Missing []string
	// Again: the authorization is over, only signing in helps.
	Again bool
}

// listItems answers POST /items.
func (a *App) listItems(w http.ResponseWriter, r *http.Request, s *session) {
	s.user.result = a.call(r.Context(), s.user, "Your items", http.MethodGet, "")
	a.toStart(w, r)
}

// addItem answers POST /items/add.
func (a *App) addItem(w http.ResponseWriter, r *http.Request, s *session) {
	body, err := json.Marshal(map[string]string{"item_id": r.PostFormValue("item_id")})
	if err != nil {
		a.fail(w, http.StatusBadRequest, "This item cannot be sent.", err.Error())
		return
	}
	s.user.result = a.call(r.Context(), s.user, "Add an item", http.MethodPost, string(body))
	a.toStart(w, r)
}

// call sends a request to the items API with the person's access token, which is
// refreshed first when it has expired.
func (a *App) call(ctx context.Context, u *user, title, method, body string) *result {
	target := a.Issuer + "/users/me/items/"
	res := &result{Title: title, Request: method + " " + target}
	if !u.token.Valid() {
		if failed := a.renew(ctx, u); failed != nil {
			return failed
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		res.Note = err.Error()
		return res
	}
	r.Header.Set("Authorization", "Bearer "+u.token.AccessToken)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := a.issuer.client.Do(r)
	if err != nil {
		res.Note = clip(err.Error())
		return res
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxForm))
	res.Status, res.Body, res.Challenge = answer.Status, string(text), answer.Header.Get("WWW-Authenticate")
	// RFC 6750 §3.1: the token is good, its scope is not enough.
	if answer.StatusCode == http.StatusForbidden && strings.Contains(res.Challenge, `error="insufficient_scope"`) {
		res.Missing = missing(res.Challenge, u.scope)
	}
	res.Again = answer.StatusCode == http.StatusUnauthorized
	return res
}

// refresh answers POST /refresh.
func (a *App) refresh(w http.ResponseWriter, r *http.Request, s *session) {
	before := s.user.token
	if failed := a.renew(r.Context(), s.user); failed != nil {
		s.user.result = failed
	} else {
		s.user.result = &result{
			Title: "Refresh", Status: "200 OK",
			Note: "There is a new access token, and the refresh token changed from " + fingerprint(before.RefreshToken) + " to " + fingerprint(s.user.token.RefreshToken) +
				" (beginnings of their SHA-256). Whoever sends the old one half a minute from now ends the authorization.",
		}
	}
	a.toStart(w, r)
}

// renew takes new tokens, or says why there are none.
func (a *App) renew(ctx context.Context, u *user) *result {
	failed := &result{Title: "Refresh"}
	p, err := a.issuer.get()
	if err != nil {
		failed.Note = clip(err.Error())
		return failed
	}
	failed.Request = "POST " + p.Endpoint().TokenURL
	if u.token.RefreshToken == "" {
		failed.Note, failed.Again = "The app has no refresh token: you did not allow it access while you are away.", true
		return failed
	}
	tokens, err := a.oauth(p).TokenSource(a.issuer.context(ctx), &oauth2.Token{RefreshToken: u.token.RefreshToken}).Token()
	if err != nil {
		failed.Status, failed.Note, failed.Again = "refused", explain(err), true
		return failed
	}
	u.token = tokens
	if scope, ok := tokens.Extra("scope").(string); ok {
		u.scope = scope
	}
	return nil
}

// fingerprint tells two tokens apart and shows neither.
func fingerprint(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// logout answers POST /logout: here at once, and then at the issuer (OpenID
// Connect RP-Initiated Logout §2).
func (a *App) logout(w http.ResponseWriter, r *http.Request, s *session) {
	u := s.user
	s.user, s.notice = nil, "You are signed out of the demo app."
	p, err := a.issuer.get()
	if err != nil {
		a.toStart(w, r)
		return
	}
	a.revoke(r.Context(), p, u.token.RefreshToken)
	if p.EndSession == "" {
		a.toStart(w, r)
		return
	}
	s.leaving = rand.Text()
	query := url.Values{
		"id_token_hint": {u.idToken}, "client_id": {a.ClientID}, "post_logout_redirect_uri": {a.URL + "/"}, "state": {s.leaving},
	}
	http.Redirect(w, r, p.EndSession+"?"+query.Encode(), http.StatusSeeOther)
}

// signedOut is whether somebody comes back from the issuer, where they are signed out
// as well then: it gives the state back that went along (RP-Initiated Logout §3).
func (s *session) signedOut(state string) bool {
	if s.leaving == "" || state != s.leaving || s.user != nil {
		return false
	}
	s.leaving, s.notice = "", "You are signed out of the demo app and of grantd."
	return true
}
