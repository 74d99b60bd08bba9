package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
	"golang.org/x/net/html"
)

func (b *browser) signUp(username, password, email, fullName string) {
	b.t.Helper()
	b.fill("Username", username)
	b.fill("Password", password)
	b.fill("Email", email)
	b.fill("Full name", fullName)
	b.press("Create account")
}

func TestSignUp(t *testing.T) {
	s := withApps(t)
	b := s.browser()
	b.open("/authorize?" + askedByThird("me"))
	b.follow("Create an account")
	b.signUp("fred", "a long password", "fred@example.com", "Fred Example")
	if b.heading() != "Allow Third?" || !strings.Contains(b.text(), "Signed in as fred") {
		t.Fatalf("signing up leads to %s: %s", b.at, b.text())
	}
	if b.press("Allow"); s.redeemed(b) != "me" {
		t.Error("the new user's token is another one")
	}
	if b.open("/account"); !strings.Contains(b.text(), "Fred Example") || !strings.Contains(b.text(), "fred@example.com") {
		t.Errorf("the account is %s", b.text())
	}
	if strings.Contains(s.log.String(), "a long password") {
		t.Error("the password is in the log")
	}
	other := s.browser()
	other.open("/login")
	if other.signIn("FRED@example.com", "a long password"); other.at.Path != "/account" {
		t.Errorf("the new user cannot sign in: %s", other.text())
	}
}

// Each field has its message, and what was typed is kept, but for the password.
func TestSignUpRefused(t *testing.T) {
	s := newSystem(t)
	for name, c := range map[string]struct {
		username, password, email, fullName string
		status                              int
		field, says                         string
	}{
		"username missing":  {"", "a long password", "", "", 422, "username", "The username is missing."},
		"username with @":   {"fr@ed", "a long password", "", "", 422, "username", "The username may have ASCII letters"},
		"username taken":    {"ANN", "a long password", "", "", 409, "username", "The username is taken."},
		"email taken":       {"fred", "a long password", "Ann@example.com", "", 409, "email", "The email is taken."},
		"no email":          {"fred", "a long password", "fred", "", 422, "email", "The email is not an email address."},
		"name too long":     {"fred", "a long password", "", strings.Repeat("x", 201), 422, "full_name", "The name "},
		"password short":    {"fred", "sh0rt", "", "", 422, "password", "The password is too short; use at least 8 characters."},
		"password too long": {"fred", strings.Repeat("x", 73), "", "", 422, "password", "The password is longer than 72 bytes; use a shorter one."},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.browser()
			b.open("/signup?return_to=%2Faccount%2Fsessions")
			b.signUp(c.username, c.password, c.email, c.fullName)
			if b.status != c.status || b.alert() == "" {
				t.Fatalf("%d %q: %s", b.status, b.alert(), b.text())
			}
			field := find(b.doc, named(c.field))
			described, _ := attribute(field, "aria-describedby")
			invalid, _ := attribute(field, "aria-invalid")
			id, _, _ := strings.Cut(described, " ")
			if invalid != "true" || id != c.field+"-problem" || !strings.HasPrefix(b.textOfID(id), c.says) {
				t.Errorf("the field is described by %q: %q, want %q", described, b.textOfID(id), c.says)
			}
			focused := find(b.doc, func(n *html.Node) bool { _, ok := attribute(n, "autofocus"); return ok })
			if focused != field {
				t.Errorf("another field than %s is to be typed in first: %s", c.field, b.source)
			}
			if b.value("Username") != c.username || b.value("Email") != c.email || b.value("Full name") != c.fullName || b.hidden("return_to") != "/account/sessions" {
				t.Errorf("what was typed is lost: %s", b.source)
			}
			if strings.Contains(b.source, c.password) || b.secret() != "" {
				t.Error("the password is on the page, or they are signed in")
			}
		})
	}
}

// textOfID is the text of the element with that id.
func (b *browser) textOfID(id string) string {
	for n := range b.doc.Descendants() {
		if got, ok := attribute(n, "id"); ok && got == id {
			return textOf(n)
		}
	}
	return ""
}

func TestSignUpSwitchedOff(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.Signup = false })
	b := s.browser()
	b.open("/login")
	if strings.Contains(b.source, "/signup") {
		t.Error("there is a link to a page that is not there")
	}
	if b.open("/signup"); b.status != http.StatusNotFound || b.heading() != "There is no such page" {
		t.Errorf("%d %s", b.status, b.text())
	}
	if res := s.post("/signup", form("username", "fred", "password", "a long password")); res.StatusCode != http.StatusNotFound {
		t.Errorf("the form answers %d", res.StatusCode)
	}
}
