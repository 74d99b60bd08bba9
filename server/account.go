package server

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"github.com/grantd/grantd/server/pages"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// notices say what was just done, by the code in the page's URL: no text from
// there is ever shown.
var notices = map[string]string{
	"revoked":  "The app can no longer use your account.",
	"all":      "No app can use your account any more.",
	"ended":    "That browser is signed out.",
	"others":   "All other browsers are signed out.",
	"password": "Your password is changed. All apps and all other browsers are signed out.",
}

// account answers GET /account.
func (s *Server) account(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showAccount(w, r, v, http.StatusOK, nil)
}

// showAccount shows the account page. problems are with the fields of a new password.
func (s *Server) showAccount(w http.ResponseWriter, r *http.Request, v visitor, status int, problems map[string]string) error {
	apps, err := s.connectedApps(r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	sessions, err := s.openSessions(r.Context(), v)
	if err != nil {
		return err
	}
	view := pages.Account{
		Username: v.user.Username, FullName: v.user.FullName, Email: v.user.Email,
		Apps: apps, Sessions: sessions, Problems: problems,
	}
	if fromHere(r) { // no other site has us say what nobody did
		view.Notice = notices[queryOf(r, "done")]
	}
	return s.show(w, status, func(out io.Writer) error { return s.pages.Account(out, view) })
}

// openSessions are the browsers in which the user is signed in: this one, then
// the others by when they were last seen.
func (s *Server) openSessions(ctx context.Context, v visitor) (views []pages.Session, err error) {
	sessions, err := s.DB.Sessions(ctx, v.user.ID, s.Now())
	for _, open := range sessions {
		views = append(views, pages.Session{
			ID: open.ID, Browser: agentWords(open.Agent), Address: open.Address, This: open.ID == v.session.ID,
			SignedIn: open.AuthTime, Seen: open.SeenAt,
		})
	}
	slices.SortStableFunc(views, func(a, b pages.Session) int {
		if a.This != b.This {
			return cmp.Compare(truth(b.This), truth(a.This))
		}
		return b.Seen.Compare(a.Seen)
	})
	return views, err
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// accountDone leads back to the account page, which says what was done.
func (s *Server) accountDone(w http.ResponseWriter, done string) error {
	return seeOther(w, s.prefix+"/account?done="+done)
}

// revokeApp answers POST /account/revoke: the app named by client, or with all=yes
// every app, can do no more.
func (s *Server) revokeApp(w http.ResponseWriter, r *http.Request, v visitor) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	client, done := form.Get("app"), "revoked"
	if form.Get("all") == "yes" {
		client, done = "", "all"
	} else if _, _, err := s.client(r.Context(), client); errors.Is(err, store.ErrNotFound) { // also a name that is none
		return badRequest(reason.AppGone, "there is no such app any more; open your account page again")
	} else if err != nil {
		return err
	}
	now := s.Now()
	ended, err := s.DB.ForgetConsents(r.Context(), v.user.ID, client, now, accessEnd(now))
	if err != nil {
		return err
	}
	// Before the answer, so that it counts here at once.
	if err := s.poll(r.Context()); err != nil {
		return err
	}
	s.audit(r.Context(), slog.LevelInfo, store.Event{Type: "consent.revoked", Actor: byUser(v.user.ID), Subject: v.user.ID, ClientID: client, Detail: store.Detail{"grants": ended}})
	return s.accountDone(w, done)
}

// endSession answers POST /account/sessions: the session named by session, or with
// others=yes all but this one, end.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request, v visitor) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	in, done := store.SessionEnd{UserID: v.user.ID, ID: form.Get("session")}, "ended"
	if form.Get("others") == "yes" {
		in.ID, in.Except, done = "", v.session.ID, "others"
	} else if in.ID == "" { // which would be all
		return badRequest(reason.SessionMissing, "the form does not say which session")
	}
	if err := s.endSessions(r.Context(), in); err != nil {
		return err
	}
	if in.ID == v.session.ID {
		http.SetCookie(w, s.sessionCookie(""))
		return seeOther(w, s.prefix+"/login")
	}
	return s.accountDone(w, done)
}
