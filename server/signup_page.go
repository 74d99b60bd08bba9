package server

import (
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/grantd/grantd/server/pages"
	"github.com/grantd/grantd/server/resource"
)

// signUpPage answers GET /signup.
func (s *Server) signUpPage(w http.ResponseWriter, r *http.Request) error {
	return s.showSignUp(w, r, http.StatusOK, pages.SignUp{ReturnTo: s.returnTo(queryOf(r, "return_to"))})
}

// signUp answers POST /signup: as POST /users/ does, and the new user is signed in.
func (s *Server) signUp(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	s.clientAddress(r) // it is counted
	user, err := s.newUsers().NewUser(r.Context(), resource.Account{
		Username: form.Get("username"), Password: takeSecret(form, "password"), Email: form.Get("email"), FullName: form.Get("full_name"),
	})
	if err == nil {
		_, err = s.startSession(w, r, user)
	}
	if err == nil {
		b := s.browserOf(r)
		s.keepBrowser(w, b)
		s.notePlaces(r.Context(), user.ID, placeOf(s.clientAddress(r)), b.place)
		return seeOther(w, s.returnTo(form.Get("return_to")))
	}
	return s.signUpAgain(w, r, form, err)
}

// newUsers makes users as the resource router does.
func (s *Server) newUsers() resource.Options {
	return resource.Options{DB: s.DB, CheckPassword: CheckNewPassword, HashPassword: s.signups.hash, Now: s.Now, Added: s.auditSignup}
}

// signUpAgain shows a form that was refused, without its password.
func (s *Server) signUpAgain(w http.ResponseWriter, r *http.Request, form url.Values, refusal error) error {
	view := pages.SignUp{
		ReturnTo: s.returnTo(form.Get("return_to")),
		Username: form.Get("username"), Email: form.Get("email"), FullName: form.Get("full_name"),
	}
	var wrong *resource.AccountError
	if errors.As(refusal, &wrong) {
		recordOf(r.Context()).refused(invalidRequest, wrong.Reason, refusal)
		view.Problems = wrong.Fields
		return s.showSignUp(w, r, wrong.Status, view)
	}
	status, problem, err := s.shownAgain(w, r, refusal)
	if err != nil {
		return err
	}
	view.Problem = problem
	return s.showSignUp(w, r, status, view)
}

func (s *Server) showSignUp(w http.ResponseWriter, r *http.Request, status int, view pages.SignUp) error {
	of, formAction := s.signInFor(r, view.ReturnTo)
	view.App, view.SignIn = of.App, s.withReturn("/login", view.ReturnTo)
	return s.show(w, status, func(out io.Writer) error { return s.pages.SignUp(out, view) }, formAction...)
}
