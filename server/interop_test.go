package server_test

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// The tests below use golang.org/x/oauth2 as any app does, unmodified.

var authStyles = map[string]oauth2.AuthStyle{
	"auto detect": oauth2.AuthStyleAutoDetect, "in header": oauth2.AuthStyleInHeader, "in params": oauth2.AuthStyleInParams,
}

func (s *system) app(id, secret string, style oauth2.AuthStyle) *oauth2.Config {
	return &oauth2.Config{
		ClientID: id, ClientSecret: secret, Scopes: []string{"me", "items"},
		Endpoint: oauth2.Endpoint{TokenURL: s.opts.Issuer + "/token", AuthStyle: style},
	}
}

// fetch gets path with an app's own HTTP client.
func fetch(t *testing.T, client *http.Client, url string) (status int, body string) {
	t.Helper()
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestXOAuth2Password(t *testing.T) {
	for name, style := range authStyles {
		for _, client := range []struct{ id, secret string }{{"app", ""}, {"service", serviceSecret}} {
			t.Run(client.id+" "+name, func(t *testing.T) {
				s := newSystem(t)
				app := s.app(client.id, client.secret, style)
				token, err := app.PasswordCredentialsToken(t.Context(), "ann", password)
				if err != nil {
					t.Fatal(err)
				}
				if token.Type() != "Bearer" || token.RefreshToken == "" || token.Extra("scope") != "me items" || time.Until(token.Expiry) < 14*time.Minute {
					t.Errorf("token %+v", token)
				}
				if status, body := fetch(t, app.Client(t.Context(), token), s.opts.Issuer+"/users/me/items/"); status != http.StatusOK {
					t.Errorf("%d %s", status, body)
				}
			})
		}
	}
}

func TestXOAuth2ReadsOurErrors(t *testing.T) {
	s := newSystem(t)
	for _, c := range []struct {
		app        *oauth2.Config
		secret     string
		status     int
		code, hint string
	}{
		{s.app("app", "", oauth2.AuthStyleInParams), "wrong", http.StatusBadRequest, "invalid_grant", "username or password is wrong"},
		{s.app("service", "wrong", oauth2.AuthStyleInHeader), password, http.StatusUnauthorized, "invalid_client", "client authentication failed"},
	} {
		_, err := c.app.PasswordCredentialsToken(t.Context(), "ann", c.secret)
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) || refused.Response.StatusCode != c.status || refused.ErrorCode != c.code || refused.ErrorDescription != c.hint {
			t.Errorf("error %v", err)
		}
	}
}

// The app never asks for a refresh: its client does, each time the access token
// has run out, with the refresh token of the time before.
func TestXOAuth2Refreshes(t *testing.T) {
	for name, style := range authStyles {
		for _, client := range []struct{ id, secret string }{{"app", ""}, {"service", serviceSecret}} {
			t.Run(client.id+" "+name, func(t *testing.T) {
				// A life that the library, which has no clock to set, takes for over.
				s := newSystem(t, func(o *server.Options) { o.AccessTTL = 5 * time.Second })
				app := s.app(client.id, client.secret, style)
				token, err := app.PasswordCredentialsToken(t.Context(), "ann", password)
				if err != nil {
					t.Fatal(err)
				}
				source := app.TokenSource(t.Context(), token)
				web := oauth2.NewClient(t.Context(), source)
				used := map[string]bool{token.AccessToken: true, token.RefreshToken: true}
				for range 3 {
					s.clock.Add(10 * time.Minute) // past any leeway, and past the grace of a repeat
					if status, body := fetch(t, web, s.opts.Issuer+"/users/me/"); status != http.StatusOK {
						t.Fatalf("%d %s", status, body)
					}
					next, err := source.Token()
					if err != nil {
						t.Fatal(err)
					}
					if used[next.AccessToken] || used[next.RefreshToken] {
						t.Error("a token came again")
					}
					used[next.AccessToken], used[next.RefreshToken] = true, true
				}
			})
		}
	}
}

// Two processes of one app share a stored token and both find that it ran out.
func TestXOAuth2RefreshesTwice(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.AccessTTL = 5 * time.Second })
	app := s.app("app", "", oauth2.AuthStyleInParams)
	token, err := app.PasswordCredentialsToken(t.Context(), "ann", password)
	if err != nil {
		t.Fatal(err)
	}
	s.clock.Add(10 * time.Minute)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if status, body := fetch(t, app.Client(t.Context(), token), s.opts.Issuer+"/users/me/"); status != http.StatusOK {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	wg.Wait()
}

func TestXOAuth2ClientCredentials(t *testing.T) {
	for name, style := range authStyles {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t)
			service := clientcredentials.Config{
				ClientID: "service", ClientSecret: serviceSecret, TokenURL: s.opts.Issuer + "/token", Scopes: []string{"items"}, AuthStyle: style,
			}
			token, err := service.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if token.RefreshToken != "" || token.Extra("scope") != "items" {
				t.Errorf("token %+v", token)
			}
			if status, body := fetch(t, service.Client(t.Context()), s.opts.Issuer+"/status/"); status != http.StatusOK {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}
