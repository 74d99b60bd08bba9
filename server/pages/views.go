package pages

import (
	"io"
	"time"
)

// Field is a hidden field of a form.
type Field struct{ Name, Value string }

// Error is what a page says that cannot do what was asked.
type Error struct {
	Title           string // what it is, in a few words
	Hint            string // what is wrong, and what to do
	Code, RequestID string
	Next, NextURL   string // the text of a link that leads on, and where to. Empty: there is none
	Explanation     *Explanation
}

// Explanation is what the developer of an app is shown of a refusal, on their own machine. Nobody else is.
type Explanation struct{ Reason, What, Fix, Detail string }

// Error draws the page for a request that was refused.
func (p *Pages) Error(w io.Writer, v Error) error { return p.draw(w, "error.html", v) }

// SignIn is the page where people prove who they are.
type SignIn struct {
	App      string // the app they sign in for. Empty: none
	ReturnTo string // where they go afterwards
	Username string // what is filled in
	Notice   string // what they should know first. Empty: nothing
	Problem  string // why they are asked again. Empty: they are not
	SignUp   string // the page to sign up. Empty: they cannot
	Cancel   string // the app's request, which a button gives up. Empty: there is no button
}

// SignIn draws the page to sign in.
func (p *Pages) SignIn(w io.Writer, v SignIn) error { return p.draw(w, "signin.html", v) }

// Choose is the page where people who are signed in say that it is them, or not.
type Choose struct {
	App                string
	Username, FullName string // who is signed in
	Continue           string // where they go
	SignIn             string // the page to sign in as somebody else
}

// Choose draws the page to choose an account.
func (p *Pages) Choose(w io.Writer, v Choose) error { return p.draw(w, "choose.html", v) }

// SignUp is the page where people become users.
type SignUp struct {
	App                       string
	ReturnTo                  string
	Username, Email, FullName string            // what is filled in
	Problems                  map[string]string // by the name of the field: what is wrong
	Problem                   string            // with no field in particular
	SignIn                    string            // the page to sign in
}

// Focus is the name of the field to type in first: the first one with a problem, if any.
func (v SignUp) Focus() string {
	for _, field := range []string{"username", "full_name", "email", "password"} {
		if v.Problems[field] != "" {
			return field
		}
	}
	return "username"
}

// SignUp draws the page to sign up.
func (p *Pages) SignUp(w io.Writer, v SignUp) error { return p.draw(w, "signup.html", v) }

// Scope is what an app may be let do.
type Scope struct {
	Name, Description string
	Fixed             bool // nobody can leave it out
	Ticked            bool
}

// Consent is the page where people decide what an app may do.
type Consent struct {
	App      string
	Host     string // where the answer goes. Empty: to an app on this device
	Device   string // which one there: a loopback address, or a scheme of its own
	Scopes   []Scope
	Audience []string // at which services it may do it. Empty: at the usual one
	Username string   // who is signed in
	SignIn   string   // the page to sign in as somebody else
	Hidden   []Field
}

// Consent draws the page that asks for consent.
func (p *Pages) Consent(w io.Writer, v Consent) error { return p.draw(w, "consent.html", v) }

// SignOut asks whether a person wants to sign out. The form goes to POST /logout.
type SignOut struct {
	App      string // the app that sent them here. Empty: none
	Username string // who is signed in
	Hidden   []Field
}

// SignOut draws the question.
func (p *Pages) SignOut(w io.Writer, v SignOut) error { return p.draw(w, "signout.html", v) }

// SignedOut says that nobody is signed in any more.
type SignedOut struct {
	App  string // the app that Back leads to
	Back string // an http(s) URL. Empty: there is no link
}

// SignedOut draws the page that people see last.
func (p *Pages) SignedOut(w io.Writer, v SignedOut) error { return p.draw(w, "signedout.html", v) }

// App is an app that a person connected.
type App struct {
	ID, Name, Host string
	Scopes         []Scope
	Since          time.Time // when it was first connected
	UsedAt         time.Time // when it had a token last. Zero: it has none that lives
	UsedFrom       string    // the address it came from. Empty: unknown
}

// Session is a browser in which a person is signed in.
type Session struct {
	ID, Browser, Address string
	SignedIn, Seen       time.Time
	This                 bool // it is the one that asks
}

// Account is the page where people see what goes on in their name.
type Account struct {
	Username, FullName, Email string
	Notice                    string // what was just done. Empty: nothing
	Apps                      []App
	Sessions                  []Session
	Problems                  map[string]string // with a field of the new password
}

// Account draws the account page.
func (p *Pages) Account(w io.Writer, v Account) error { return p.draw(w, "account.html", v) }

// datetime is a time for people and for machines.
func datetime(t time.Time) timeView {
	t = t.UTC()
	return timeView{t.Format(time.RFC3339), t.Format("2 January 2006, 15:04 UTC")}
}

type timeView struct{ Machine, Words string }
