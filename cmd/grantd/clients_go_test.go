package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// goApp is a web app with a secret, as their documents say that golang.org/x/oauth2 and go-oidc are used.
type goApp struct {
	relying
	oauth2.Config
	provider *oidc.Provider
}

func newGoApp(t *testing.T, r relying) *goApp {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), r.issuer)
	if err != nil {
		t.Fatal(err)
	}
	return &goApp{r, oauth2.Config{
		ClientID: r.id, ClientSecret: r.secret, RedirectURL: r.callback, Scopes: strings.Fields(clientScopes), Endpoint: provider.Endpoint(),
	}, provider}
}

// signIn gives the tokens and the ID token, checked.
func (a *goApp) signIn(t *testing.T) (*oauth2.Token, *oidc.IDToken) {
	t.Helper()
	verifier, state := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	back := mustParse(t, a.visit(t)(a.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce("n-"+state)))).Query()
	if back.Get("state") != state || back.Get("iss") != a.issuer {
		t.Fatalf("came back with %v", back)
	}
	token, err := a.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := a.provider.Verifier(&oidc.Config{ClientID: a.id}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if id.Nonce != "n-"+state {
		t.Errorf("nonce %q", id.Nonce)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil { // at_hash
		t.Error(err)
	}
	return token, id
}

// username asks the API who the token speaks for.
func (a *goApp) username(ctx context.Context, token oauth2.TokenSource) (string, error) {
	resp, err := oauth2.NewClient(ctx, token).Get(a.issuer + "/users/me/")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var user struct{ Username string }
	if err := json.NewDecoder(resp.Body).Decode(&user); err != nil || resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d, %w", resp.StatusCode, err)
	}
	return user.Username, nil
}

func (a *goApp) revoke(t *testing.T, token string) {
	t.Helper()
	var endpoints struct {
		Revocation string `json:"revocation_endpoint"`
	}
	if err := a.provider.Claims(&endpoints); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest("POST", endpoints.Revocation, strings.NewReader(url.Values{"token": {token}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", formType)
	request.SetBasicAuth(a.id, a.secret)
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
}

func TestClientGo(t *testing.T) {
	t.Parallel()
	a := newGoApp(t, startRelying(t, "/a/b", "--kind", "web"))
	token, id := a.signIn(t)
	got := report{Subject: id.Subject}
	user, err := a.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
	if err != nil {
		t.Fatal(err)
	}
	if err := user.Claims(&got.UserInfo); err != nil {
		t.Fatal(err)
	}
	if got.Username, err = a.username(t.Context(), oauth2.StaticTokenSource(token)); err != nil {
		t.Fatal(err)
	}

	source := a.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken, Expiry: time.Now().Add(-time.Minute)})
	if got.Refreshed, err = a.username(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	refreshed, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := refreshed.Extra("id_token").(string)
	if next, err := a.provider.Verifier(&oidc.Config{ClientID: a.id}).Verify(t.Context(), again); err != nil || next.Subject != id.Subject {
		t.Errorf("the ID token of a refresh: %v", err)
	}

	a.signOut(t, token)
	a.revoke(t, refreshed.RefreshToken)
	var refused *oauth2.RetrieveError
	_, err = a.TokenSource(t.Context(), &oauth2.Token{RefreshToken: refreshed.RefreshToken}).Token()
	if errors.As(err, &refused) {
		got.Refused = refused.ErrorCode
	}
	a.check(t, got)
}

func (a *goApp) signOut(t *testing.T, token *oauth2.Token) {
	t.Helper()
	var endpoints struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := a.provider.Claims(&endpoints); err != nil {
		t.Fatal(err)
	}
	end := a.visit(t)(endpoints.EndSession + "?" + url.Values{
		"id_token_hint": {token.Extra("id_token").(string)}, "post_logout_redirect_uri": {a.goodbye}, "state": {"s"},
	}.Encode())
	if end != a.goodbye+"?state=s" {
		t.Errorf("the sign-out led to %s", end)
	}
}
