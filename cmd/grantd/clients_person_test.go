package main

import (
	"net/http"
	"slices"
	"testing"
)

// person is somebody who surfs where apps send them, and says yes to what the pages ask.
type person struct {
	*surfer
	username, password string
	proved, consented  int // how often a password and a consent were asked for
}

// newPerson makes a person who goes to pages of those sites. Any other is an
// app's that has no pages, and is not asked.
func newPerson(t *testing.T, username, password string, sites ...string) *person {
	t.Helper()
	var hosts []string
	for _, site := range sites {
		hosts = append(hosts, mustParse(t, site).Host)
	}
	p := &person{surfer: newSurfer(t), username: username, password: password}
	p.client.CheckRedirect = func(next *http.Request, before []*http.Request) error {
		if !slices.Contains(hosts, next.URL.Host) || len(before) > 10 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return p
}

// goTo opens a URL and goes on until nothing is asked any more. It gives the URL of
// an app without pages, to which that led, or an empty one.
func (p *person) goTo(start string) (app string) {
	p.t.Helper()
	p.open(start)
	for range 6 { // a sign-in, a consent, and to spare
		if app = p.header.Get("Location"); app != "" || !p.sayYes() {
			return app
		}
	}
	p.t.Fatalf("asked again and again at %s: %s", p.at, p.source)
	return ""
}

// sayYes does what the page asks for. It is false on one that asks for nothing.
func (p *person) sayYes() bool {
	p.t.Helper()
	for _, button := range []string{"Sign in", "Allow", "Sign out", "Log Out"} { // the last is Spring's
		form, _ := p.formOf(button)
		if form == nil {
			continue
		}
		var typed map[string]string
		switch button {
		case "Sign in":
			p.proved++
			typed = map[string]string{"username": p.username, "password": p.password}
		case "Allow":
			p.consented++
		}
		p.press(button, typed)
		return true
	}
	return false
}
