package server

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/grantd/grantd/server/authreq"
	"github.com/grantd/grantd/server/pages"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// logoutRequest is what an app, or nobody in particular, asks of /logout (OpenID
// Connect RP-Initiated Logout §2).
type logoutRequest struct {
	authreq.Request
	client           store.Client // the app that asks. Its ID is empty when none said who it is
	subject, session string       // of the ID token that came as a hint. Empty: none that is ours did
	forgotten        bool         // a hint did, but nobody can check that it is ours any more
	uri              string       // where people go afterwards. Empty: nowhere
}

// logout answers GET /logout. An app that shows by an ID token that it knows who is
// signed in here may end the session; everybody else has the person asked (§2).
func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	l, err := s.readLogout(r.Context(), r.URL.RawQuery)
	if err != nil {
		return err
	}
	v, ok, err := s.visitor(r)
	if err != nil {
		return err
	}
	if !ok {
		return s.signedOut(w, r, l)
	}
	if l.knows(v) && navigates(r) { // a person comes here, and no picture on a page ends their session
		return s.signOut(w, r, l, v)
	}
	page := pages.SignOut{App: cmp.Or(l.client.Name, l.client.ID), Username: v.user.Username, Hidden: []pages.Field{
		{Name: "decision", Value: "sign-out"}, {Name: "session", Value: v.session.ID}, {Name: "request", Value: l.Encode()},
	}}
	return s.show(w, http.StatusOK, func(out io.Writer) error { return s.pages.SignOut(out, page) }, l.formAction()...)
}

// logoutForm answers POST /logout: the decision of a person, which only our own page
// may send, or the request of an app (§2), which goes on as a GET. Browsers send no
// cookies along with a form of another site, but they do when they follow to a page.
func (s *Server) logoutForm(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	if !form.Has("decision") {
		return s.logoutLink(w, form)
	}
	if err := s.ownForm(r); err != nil {
		return err
	}
	l, err := s.readLogout(r.Context(), form.Get("request"))
	if err != nil {
		return err
	}
	v, ok, err := s.visitor(r)
	switch {
	case err != nil:
		return err
	case !ok:
		return s.signedOut(w, r, l)
	case form.Get("session") != v.session.ID: // somebody else signed in since the page was shown
		return seeOther(w, s.prefix+"/logout?"+l.Encode())
	}
	return s.signOut(w, r, l, v)
}

func (s *Server) logoutLink(w http.ResponseWriter, form url.Values) error {
	req, err := authreq.Parse(form.Encode())
	if err == nil {
		req, err = asLink(req, linkToLogout)
	}
	if err != nil {
		return err
	}
	return seeOther(w, s.prefix+"/logout?"+req.Encode())
}

// readLogout reads the parameters, and refuses what could send people to where no
// app of ours is.
func (s *Server) readLogout(ctx context.Context, query string) (l logoutRequest, err error) {
	if l.Request, err = authreq.Parse(query); err != nil {
		return l, badRequest(reason.RequestUnreadable, "the request to sign out cannot be read: "+err.Error())
	}
	if name := l.Repeated("ui_locales"); name != "" {
		return l, badRequest(reason.ParameterRepeated, parameter(name)+" is given more than once")
	}
	// §4: a hint that is wrong is none. A person who wants to sign out must be able to,
	// however old the ID token is that the app has kept.
	var hinted string
	l.subject, hinted, l.session, err = s.readIDHint(l.Get("id_token_hint"))
	l.forgotten = errors.Is(err, token.ErrForgotten)
	named := l.Get("client_id")
	if named != "" && hinted != "" && named != hinted { // §2: the OP MUST verify
		return l, badRequest(reason.HintInvalid, "id_token_hint was issued to another app than client_id")
	}
	if l.client, err = s.logoutClient(ctx, named, hinted); err != nil {
		return l, err
	}
	recordOf(ctx).client = l.client.ID
	return l, l.readURI()
}

// logoutClient is the app that named itself, or the one of the hint if it is still there.
func (s *Server) logoutClient(ctx context.Context, named, hinted string) (store.Client, error) {
	if named == "" && hinted == "" {
		return store.Client{}, nil
	}
	if !cleanText(named) {
		return store.Client{}, badRequest(reason.ParameterMalformed, "client_id has control characters or invalid UTF-8")
	}
	client, _, err := s.client(ctx, cmp.Or(named, hinted))
	switch {
	case errors.Is(err, store.ErrNotFound) && named == "":
		return store.Client{}, nil
	case errors.Is(err, store.ErrNotFound):
		return store.Client{}, unknownApp()
	}
	return *client, err
}

// readURI: §3: people are sent to nowhere but to what the app registered for it.
func (l *logoutRequest) readURI() error {
	l.uri = l.Get("post_logout_redirect_uri")
	switch {
	case l.uri == "":
		return nil
	case l.client.ID == "" && l.forgotten: // §4: they can sign out all the same, and stay here
		l.uri = ""
	case l.client.ID == "":
		return badRequest(reason.ClientMissing, "the app did not say which one it is: post_logout_redirect_uri needs id_token_hint or client_id")
	case !authreq.Registered(l.uri, l.client.LogoutURIs):
		return badRequest(reason.LogoutURIUnregistered, "the app wants you sent to an address that is not registered for it (post_logout_redirect_uri)").
			because(unregistered("post_logout_redirect_uri", l.uri, l.client.LogoutURIs))
	}
	return nil
}

// knows is whether the app has shown that it knows who is signed in. §2: a hint of another
// session, on another device or of long ago, does not.
func (l logoutRequest) knows(v visitor) bool {
	return l.subject == v.user.ID && (l.session == "" || l.session == v.session.ID)
}

// formAction is where the answer to the form of a page may lead.
func (l logoutRequest) formAction() []string {
	if l.uri == "" {
		return nil
	}
	return []string{authreq.FormAction(l.uri)}
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request, l logoutRequest, v visitor) error {
	if err := s.endSessions(r.Context(), store.SessionEnd{UserID: v.user.ID, ID: v.session.ID}); err != nil {
		return err
	}
	return s.signedOut(w, r, l)
}

// signedOut takes the cookie away and lets people go on, to the app or a page that
// says that nobody is signed in.
func (s *Server) signedOut(w http.ResponseWriter, r *http.Request, l logoutRequest) error {
	http.SetCookie(w, s.sessionCookie(""))
	switch {
	case l.uri != "" && l.Has("state"): // §3: passed back
		var answer authreq.Answer
		answer.Add("state", l.Get("state"))
		return seeOther(w, answer.URL(l.uri))
	case l.uri != "":
		return seeOther(w, l.uri)
	case r.Method == http.MethodPost:
		return seeOther(w, s.prefix+"/logout")
	}
	return s.show(w, http.StatusOK, func(out io.Writer) error { return s.pages.SignedOut(out, pages.SignedOut{}) })
}
