package server

import (
	"cmp"
	"errors"
	"io"
	"net/http"

	"github.com/grantd/grantd/server/pages"
	"github.com/grantd/grantd/store"
)

// signInNotices are those of the page to sign in, as notices are.
var signInNotices = map[string]string{
	"lost": "You were signed out meanwhile; what you sent was not saved.",
}

// signInPage answers GET /login.
func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) error {
	view, formAction := s.signInFor(r, s.returnTo(queryOf(r, "return_to")))
	if fromHere(r) {
		view.Notice = signInNotices[queryOf(r, "notice")]
	}
	return s.showSignIn(w, http.StatusOK, view, formAction)
}

// signIn answers POST /login.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	to := s.returnTo(form.Get("return_to"))
	try := s.newAttempt(form.Get("username"), "", s.clientAddress(r), s.browserOf(r))
	user, err := s.provePassword(r.Context(), try, takeSecret(form, "password"))
	if err == nil {
		_, err = s.startSession(w, r, user)
	}
	if err == nil {
		s.keepBrowser(w, try.browser)
	}
	if err == nil {
		return seeOther(w, to)
	}
	view, formAction := s.signInFor(r, to)
	view.Username = form.Get("username")
	status, problem, err := s.shownAgain(w, r, err)
	if err != nil {
		return err
	}
	view.Problem = problem
	return s.showSignIn(w, status, view, formAction)
}

// askSignIn shows the page to sign in for an app's request, which then goes on.
func (s *Server) askSignIn(w http.ResponseWriter, r *http.Request, a authorization) error {
	view := pages.SignIn{App: appName(a.client), ReturnTo: a.afterSignIn(s.prefix), Username: a.loginHint}
	return s.showSignIn(w, http.StatusOK, view, a.formAction())
}

// askAnother is askSignIn for who is signed in, but is not whom the app asks for. The page says
// so: without a word, signing in as the same person would lead to it again and again.
func (s *Server) askAnother(w http.ResponseWriter, r *http.Request, a authorization, v visitor) error {
	name := appName(a.client)
	view := pages.SignIn{
		App: name, ReturnTo: a.afterSignIn(s.prefix), Username: a.loginHint, Cancel: a.query, // the account may not exist
		Notice: name + " asks for another account than " + v.user.Username + ". Sign in with that one.",
	}
	// Only to an app that knows the person: with claims any app could ask who has which sub.
	if a.knowsSubject {
		user, err := s.DB.User(r.Context(), a.subject)
		if err := ignoreNotFound(err); err != nil {
			return &authorizeError{a, err}
		}
		view.Username = cmp.Or(user.Username, view.Username)
	}
	return s.showSignIn(w, http.StatusOK, view, a.formAction())
}

// askAccount lets a person who is signed in go on, or sign in as somebody else.
func (s *Server) askAccount(w http.ResponseWriter, r *http.Request, a authorization, v visitor) error {
	to := a.afterSignIn(s.prefix)
	return s.show(w, http.StatusOK, func(out io.Writer) error {
		return s.pages.Choose(out, pages.Choose{
			App: appName(a.client), Username: v.user.Username, FullName: v.user.FullName,
			Continue: to, SignIn: s.withReturn("/login", to),
		})
	})
}

// signInFor is the page for who goes to returnTo afterwards, and where else its
// form may lead. For the request of an app it names the app.
func (s *Server) signInFor(r *http.Request, returnTo string) (pages.SignIn, []string) {
	view := pages.SignIn{ReturnTo: returnTo}
	query := s.authorizationOf(returnTo)
	if query == "" {
		return view, nil
	}
	a, err := s.authorizationFrom(r.Context(), query)
	if err != nil { // what is wrong with the request is said when it goes on
		return view, nil
	}
	view.App, view.Username = appName(a.client), a.loginHint
	return view, a.formAction()
}

func (s *Server) showSignIn(w http.ResponseWriter, status int, view pages.SignIn, formAction []string) error {
	if s.Signup {
		view.SignUp = s.withReturn("/signup", view.ReturnTo)
	}
	return s.show(w, status, func(out io.Writer) error { return s.pages.SignIn(out, view) }, formAction...)
}

// shownAgain says, for a form that was refused, how to show it again: with what
// status and words. What the form cannot help comes back as an error.
//
// The status is 422 and not 401, which would need a challenge (RFC 9110 §15.5.2), nor
// 200, after which browsers offer to remember the wrong password.
func (s *Server) shownAgain(w http.ResponseWriter, r *http.Request, refusal error) (status int, problem string, err error) {
	var e *Error
	if !errors.As(refusal, &e) {
		return 0, "", refusal
	}
	recordOf(r.Context()).refused(e.Code, e.Reason, e)
	setRetryAfter(w.Header(), e.RetryAfter)
	status = http.StatusUnprocessableEntity
	if e.Code == temporarilyUnavailable {
		status = e.Status
	}
	return status, sentence(e.Hint), nil
}

// toSignIn sends a person to sign in and back to where they were going. A form
// that they sent is lost, and the account page is next to any.
func (s *Server) toSignIn(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost {
		return seeOther(w, s.withReturn("/login", s.prefix+"/account")+"&notice=lost")
	}
	return seeOther(w, s.withReturn("/login", s.returnTo(r.URL.RequestURI())))
}

// appName is how pages call an app.
func appName(c *store.Client) string { return cmp.Or(c.Name, c.ID) }
