package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxSteps bounds the pages and redirects of one authorization request.
const maxSteps = 15

// browser is one without scripts, in which at most one person signs in. It goes nowhere but to the server.
type browser struct {
	e      *exam
	jar    http.CookieJar
	person bool // fills in forms
	named  bool // the user's name was sent; it is sent once
	proven bool // and so was the password
}

// landing is where an authorization request ends.
type landing struct {
	to     *url.URL // somewhere else, where the browser was not let go; nil: a page of the server
	page   *reply
	asking bool // the page asks somebody to sign in
}

// answers are the parameters with which somebody is sent to the client, in the query or the fragment.
func (l landing) answers() url.Values {
	if l.to == nil {
		return nil
	}
	v := l.to.Query()
	if fragment, err := url.ParseQuery(l.to.EscapedFragment()); err == nil {
		for name, values := range fragment {
			v[name] = append(v[name], values...)
		}
	}
	return v
}

// says is where it ended, with the values of parameters left out.
func (l landing) says() string {
	if l.to == nil {
		if l.asking {
			return statusText(l.page.status) + ", a page to sign in"
		}
		return statusText(l.page.status) + ", a page"
	}
	text := "sent to " + addressOf(l.to)
	if code := l.answers().Get("error"); code != "" {
		return text + " with error=" + clip(code, 40)
	}
	switch {
	case l.answers().Has("access_token"):
		return text + " with an access token"
	case l.answers().Has("code"):
		return text + " with a code"
	}
	return text
}

// addressOf is a URI without query and fragment.
func addressOf(u *url.URL) string {
	plain := *u
	plain.RawQuery, plain.ForceQuery, plain.Fragment, plain.RawFragment, plain.User = "", false, "", "", nil
	return clip(plain.String(), 120)
}

// request is a good authorization request, with some parameters changed. An empty value leaves one out.
func (e *exam) request(pairs ...string) url.Values {
	q := url.Values{
		"response_type": {"code"}, "client_id": {e.Client.ID}, "redirect_uri": {e.RedirectURI}, "state": {random()},
		"code_challenge": {challengeOf(random())}, "code_challenge_method": {"S256"},
	}
	if e.Scope != "" {
		q.Set("scope", e.Scope)
	}
	if slices.Contains(strings.Fields(e.Scope), "offline_access") {
		q.Set("prompt", "consent") // OpenID Connect Core §11: without it the scope is ignored
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			q.Del(pairs[i])
		}
	}
	return q
}

// visit follows an authorization request as the test user, or as nobody if there is none.
func (e *exam) visit(ctx context.Context, q url.Values) (landing, error) {
	if e.person == nil {
		e.person = &browser{e: e, jar: newJar(), person: e.User != ""}
	}
	if e.stopped != nil { // to try again would be guessing
		return (&browser{e: e, jar: newJar()}).authorize(ctx, q)
	}
	return e.person.authorize(ctx, q)
}

func (b *browser) authorize(ctx context.Context, q url.Values) (landing, error) {
	target := b.e.metadata.str("authorization_endpoint")
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	r, err := b.ask(ctx, http.MethodGet, target+separator+q.Encode(), nil)
	for step := 0; err == nil && step < maxSteps; step++ {
		if to := r.location(); to != nil {
			if b.leaves(to, q.Get("redirect_uri")) {
				b.e.hide(landing{to: to}.answers()["code"]...)
				b.e.hide(landing{to: to}.answers()["access_token"]...)
				return landing{to: to}, nil
			}
			r, err = b.ask(ctx, http.MethodGet, to.String(), nil)
			continue
		}
		page := readHTML(r.body)
		at := landing{page: r, asking: page.signIn() != nil}
		if r.status >= 400 || !b.person {
			return at, nil
		}
		next, stop := b.fill(page)
		if stop != nil {
			b.e.stopped = stop
			return at, stop
		}
		if next == nil {
			return at, nil
		}
		r, err = b.submit(ctx, r, *next)
	}
	if err == nil {
		err = fmt.Errorf("the server leads from page to page, more than %d times", maxSteps)
	}
	return landing{}, err
}

// location is where an answer leads, nil if nowhere.
func (r *reply) location() *url.URL {
	if r.status < 300 || r.status > 399 {
		return nil
	}
	to, err := r.at.Parse(r.header.Get("Location"))
	if err != nil || r.header.Get("Location") == "" {
		return nil
	}
	return to
}

// leaves is whether a URL is not the server's: the client's, or that of a stranger.
func (b *browser) leaves(to *url.URL, redirectURI string) bool {
	if want, err := url.Parse(redirectURI); err == nil && addressOf(to) == addressOf(want) {
		return true
	}
	return !b.e.own(to)
}

// own is whether a URL is of the server that signs people in.
func (e *exam) own(u *url.URL) bool {
	at, err := url.Parse(e.metadata.str("authorization_endpoint"))
	same := func(one *url.URL) bool { return one.Scheme == u.Scheme && strings.EqualFold(one.Host, u.Host) }
	return same(e.issuer) || err == nil && same(at)
}

func (b *browser) ask(ctx context.Context, method, target string, sent url.Values, edits ...func(*http.Request)) (*reply, error) {
	edits = append(edits, func(r *http.Request) { r.Header.Set("Accept", "text/html,*/*;q=0.8") })
	return b.e.ask(ctx, method, target, sent, b.jar, edits...)
}

// filled is a form that is ready to be sent.
type filled struct {
	form   form
	button *button
	values url.Values
}

// fill does what a person does with a page: signs in, or consents. It is nil where there is nothing to do. The name and
// the password are typed once.
func (b *browser) fill(page site) (*filled, error) {
	if f := page.signIn(); f != nil {
		if b.proven {
			return nil, errors.New("the page to sign in came back; are --user and the password right?")
		}
		b.proven = true
		to := &filled{form: *f, values: f.values(f.first()), button: f.first()}
		if i := f.login(); i >= 0 {
			to.values.Set(f.fields[i].name, b.e.User)
		}
		to.values.Set(f.fields[f.named("password")].name, b.e.Password)
		return to, nil
	}
	if f := page.identify(); f != nil && !b.proven {
		if b.named {
			return nil, errors.New("the page that asks for the name came back; is --user right?")
		}
		b.named = true
		to := &filled{form: *f, values: f.values(f.first()), button: f.first()}
		to.values.Set(f.fields[f.login()].name, b.e.User)
		return to, nil
	}
	for _, f := range page.forms {
		press := f.approving()
		switch {
		case press == nil || f.method != "post":
		case f.asks():
			return nil, errors.New("the page asks for more than name and password; take a test user without a second factor")
		default:
			return &filled{form: f, values: f.values(press), button: press}, nil
		}
	}
	return nil, nil
}

// signIn is the form with one password, nil if there is none: one with two is for signing up.
func (s site) signIn() *form {
	for i, f := range s.forms {
		n := 0
		for _, one := range f.fields {
			if one.kind == "password" && one.name != "" {
				n++
			}
		}
		if n == 1 && f.method == "post" {
			return &s.forms[i]
		}
	}
	return nil
}

// identify is the form that asks who it is before it asks for a password, nil if there is none.
func (s site) identify() *form {
	for i, f := range s.forms {
		if at := f.login(); at >= 0 && f.method == "post" && f.named("password") < 0 {
			return &s.forms[i]
		}
	}
	return nil
}

// first is the button that Enter presses.
func (f *form) first() *button {
	if len(f.buttons) == 0 {
		return nil
	}
	return &f.buttons[0]
}

// submit sends a form to the server, and to nobody else.
func (b *browser) submit(ctx context.Context, from *reply, f filled) (*reply, error) {
	action := f.form.action
	if f.button != nil && f.button.action != "" {
		action = f.button.action
	}
	to, err := from.at.Parse(action)
	if err != nil {
		return nil, errors.New("the form leads to what is no URL")
	}
	if !b.e.own(to) {
		return nil, fmt.Errorf("the form leads to %s, and passwords are typed at the server only", to.Host)
	}
	r, err := b.ask(ctx, http.MethodPost, to.String(), f.values, func(r *http.Request) {
		r.Header.Set("Origin", from.at.Scheme+"://"+from.at.Host)
		r.Header.Set("Referer", addressOf(from.at))
	})
	if err == nil && r.location() != nil {
		b.e.posted = append(b.e.posted, r.status)
	}
	return r, err
}
