package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// demoOf is where the demo app of a dev server is, as its start page says.
func demoOf(t *testing.T, s *process) string {
	t.Helper()
	a := s.send("GET", s.URL+"/", "", nil)
	return decode[struct {
		DemoApp string `json:"demo_app"`
	}](t, a.body).DemoApp
}

// intoDemo signs johndoe in to the demo app, and allows what it asks for.
func intoDemo(t *testing.T, app string) *surfer {
	t.Helper()
	b := newSurfer(t)
	b.open(app + "/")
	b.press("Sign in with grantd", nil)
	b.press("Sign in", map[string]string{"username": "johndoe", "password": "secret"})
	b.press("Allow", nil)
	b.wants("Hello, John Doe")
	return b
}

// The walk of a new user: sign in, see the claims, call the API, step up, refresh,
// revoke on the account page, sign out.
func TestDemoApp(t *testing.T) {
	t.Parallel()
	s := start(t, "dev")
	app := demoOf(t, s)
	b := intoDemo(t, app)
	if b.at.String() != app+"/" {
		t.Errorf("the app is at %s", b.at)
	}
	b.wants("johndoe@example.com", "auth_time", "preferred_username johndoe", "sub demo-johndoe", "aud demo-app", "offline_access", "client_id demo-app")

	b.press("List my items", nil)
	b.wants("Your items: 200 OK", `"item_id":"Foo"`)
	b.press("Add the item", map[string]string{"item_id": "Bar"})
	b.wants("Add an item: 403 Forbidden", `error="insufficient_scope"`, `scope="me items:write"`)
	b.wants("When grantd shows you what the app wants, tick “Create items in your name”.")
	b.press("Ask for items:write", nil)
	b.wants("Create items in your name")
	b.press("Allow", nil)
	b.press("Add the item", map[string]string{"item_id": "Bar"})
	b.wants("Add an item: 201 Created", `"item_id":"Bar"`)

	b.press("Refresh the tokens", nil)
	b.wants("Refresh: 200 OK", "the refresh token changed from", "half a minute from now ends the authorization")
	b.open(app + "/")
	b.lacks("the refresh token changed from") // a result is shown once
	b.open(s.URL + "/account")
	b.wants("Demo app")
	b.press("Revoke", nil)
	b.open(app + "/")
	b.press("Refresh the tokens", nil)
	b.wants("Refresh: refused", "invalid_grant", "The app's authorization is over")
	b.press("Sign in again", nil)
	b.press("Allow", nil)
	b.press("List my items", nil)
	b.wants("Your items: 200 OK")

	b.press("Sign out", nil)
	b.wants("You are signed out of the demo app and of grantd.", "Sign in with grantd")
	if b.at.String() != app+"/" {
		t.Errorf("signed out at %s", b.at)
	}
	b.open(s.URL + "/account")
	b.wants("Password")
	if b.at.Path != "/login" {
		t.Errorf("still signed in at grantd: %s", b.at)
	}
	s.mustStop(t)
	if log := s.Log.String(); strings.Contains(log, "eyJ") || strings.Contains(log, "johndoe@example.com") {
		t.Errorf("the log: %s", log)
	}
}

// Whoever left a scope out is asked for that one when a button needs it, and for what
// was allowed. They may leave it out again, say no, and say yes in the end.
func TestDemoAppAsksForWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := start(t, "dev")
	b := newSurfer(t)
	b.open(demoOf(t, s) + "/")
	b.press("Sign in with grantd", nil)
	b.press("Sign in", map[string]string{"username": "johndoe", "password": "secret"})
	b.press("Allow", map[string]string{"scope.items": "", "scope.profile": ""})
	ask := func() {
		t.Helper()
		b.press("List my items", nil)
		b.wants("Your items: 403 Forbidden", "tick “Read your items”")
		b.press("Ask for items", nil)
		b.wants("Read your items")
		b.lacks("See your name", "Create items in your name") // it needs neither
	}
	ask()
	b.press("Allow", map[string]string{"scope.items": ""})
	b.wants("You left out items.", "Hello, demo-johndoe")
	ask()
	b.press("Deny", nil)
	b.wants("You did not allow it. What you allowed before stays as it was.", "Hello, demo-johndoe")
	ask()
	b.press("Allow", map[string]string{"scope.items": "on"})
	b.lacks("You left out")
	b.press("List my items", nil)
	b.wants("Your items: 200 OK")
}

// Without a sign-out at the issuer the app speaks for itself alone.
func TestDemoAppSignedOutAlone(t *testing.T) {
	t.Parallel()
	s := start(t, "dev")
	app := demoOf(t, s)
	b := intoDemo(t, app)
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	b.press("Sign out", nil)
	b.client.CheckRedirect = nil
	b.open(app + "/?state=guessed")
	b.wants("You are signed out of the demo app. ")
}

func TestDemoAppRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, "dev")
	app := demoOf(t, s)

	t.Run("the person says no", func(t *testing.T) {
		b := newSurfer(t)
		b.open(app + "/")
		b.press("Sign in with grantd", nil)
		b.press("Sign in", map[string]string{"username": "johndoe", "password": "secret"})
		b.press("Deny", nil)
		b.wants("You did not allow it", "Sign in with grantd")
	})
	t.Run("an answer that nobody asked for", func(t *testing.T) {
		b := newSurfer(t)
		b.open(app + "/callback?code=x&state=y&iss=" + url.QueryEscape(s.URL))
		b.wants("This sign-in did not begin in this browser")
		if b.status != http.StatusBadRequest {
			t.Errorf("status %d", b.status)
		}
	})
	for name, iss := range map[string]string{"9207-2.4 another issuer": "&iss=https://evil.example", "9207-2.4 no issuer": "", "9207-2.4 two": "&iss=" + s.URL + "&iss=" + s.URL} {
		t.Run(name, func(t *testing.T) {
			b := newSurfer(t)
			b.open(app + "/")
			b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			b.press("Sign in with grantd", nil)
			b.client.CheckRedirect = nil
			sent, err := url.Parse(b.header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			state := sent.Query().Get("state")
			b.open(app + "/callback?code=x&state=" + state + iss)
			b.wants("does not come from the server that the app asked")
			b.open(app + "/callback?code=x&state=" + state + "&iss=" + url.QueryEscape(s.URL))
			b.wants("This sign-in did not begin in this browser") // an answer counts once
		})
	}
	t.Run("a form of another site", func(t *testing.T) {
		a := s.send("POST", app+"/login", "", map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
		if a.status != http.StatusForbidden {
			t.Errorf("%v", a)
		}
	})
	t.Run("a logout token that is none", func(t *testing.T) {
		a := s.send("POST", app+"/backchannel-logout", "logout_token=x.y.z", map[string]string{"Content-Type": formType})
		if a.status != http.StatusBadRequest {
			t.Errorf("%v", a)
		}
	})
}

// Whoever ends a session on the account page is signed out of the app, too, by
// a message that passes no browser.
func TestDemoAppHearsOfTheEnd(t *testing.T) {
	t.Parallel()
	s := start(t, "dev")
	app := demoOf(t, s)
	b, other := intoDemo(t, app), newSurfer(t)
	other.open(s.URL + "/account")
	other.press("Sign in", map[string]string{"username": "johndoe", "password": "secret"})
	other.press("Sign out there", nil)
	eventually(t, "the app hears that the session is over", func() bool {
		b.open(app + "/")
		return strings.Contains(b.source, "You signed out at grantd")
	})
	b.wants("Sign in with grantd")
}
