package server

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// changePassword answers POST /account/password. It ends all that the old password
// began: the apps' authorizations and the sessions. This browser goes on in a new one.
func (s *Server) changePassword(w http.ResponseWriter, r *http.Request, v visitor) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	if problems := newPasswordProblems(form); problems != nil {
		return s.showAccount(w, r, v, http.StatusUnprocessableEntity, problems)
	}
	err = s.setPassword(w, r, v, takeSecret(form, "current_password"), takeSecret(form, "new_password"))
	if err == nil {
		return s.accountDone(w, "password")
	}
	status, problem, err := s.shownAgain(w, r, err)
	if err != nil {
		return err
	}
	return s.showAccount(w, r, v, status, map[string]string{"current_password": problem})
}

// newPasswordProblems says what is wrong with each field, before any hash is paid for.
func newPasswordProblems(form url.Values) map[string]string {
	password := form.Get("new_password")
	if err := CheckNewPassword(password); err != nil {
		return map[string]string{"new_password": sentence("the new password " + err.Error())}
	}
	if form.Get("new_password_again") != password {
		return map[string]string{"new_password_again": "The two new passwords are not the same."}
	}
	return nil
}

func (s *Server) setPassword(w http.ResponseWriter, r *http.Request, v visitor, current, password string) error {
	ctx := r.Context()
	try, err := s.proveAgain(r, &v, current)
	if err != nil {
		return err
	}
	hash, err := s.hashes.hashNew(ctx, password, try.turn(), nil)
	if err != nil {
		return err
	}
	session, secret := s.newSession(r, v.user)
	changed, err := s.DB.ChangePassword(ctx, store.PasswordChange{
		SessionID: v.session.ID, OldHash: v.user.PasswordHash, NewHash: hash, Renewed: session,
		Now: session.SeenAt, Until: accessEnd(session.SeenAt),
	})
	if err != nil {
		return err
	}
	if !changed.Done { // hashing takes a while, in which somebody else may have been faster
		return badGrant(reason.PasswordOvertaken, "your password was changed elsewhere, or you were signed out meanwhile; nothing is changed here")
	}
	http.SetCookie(w, s.sessionCookie(secret))
	s.keepBrowser(w, try.browser)
	s.notePlaces(ctx, v.user.ID, try.address, try.browser.place) // all others are forgotten
	s.audit(ctx, slog.LevelInfo, store.Event{Type: "password.changed", Actor: byUser(v.user.ID), Subject: v.user.ID, Detail: store.Detail{"grants": changed.Grants}})
	s.afterSessions(ctx, v.user.ID, changed.Sessions)
	s.audit(ctx, slog.LevelInfo, store.Event{Type: "session.started", Actor: byUser(v.user.ID), Subject: v.user.ID, Detail: store.Detail{"session": session.ID}})
	return s.poll(ctx) // before the answer, so that it counts here at once
}

// proveAgain lets who is signed in prove the password. Wrong ones count for the session: who sits at a
// browser that somebody left open has as few guesses as anybody, and nobody else's count.
func (s *Server) proveAgain(r *http.Request, v *visitor, password string) (*attempt, error) {
	ctx := r.Context()
	recordOf(ctx).judged(v.user.ID)
	try := s.newAttempt(v.user.Username, "", s.clientAddress(r), s.browserOf(r))
	try.known = sessionPlace + v.session.ID
	if err := s.guard.isEmpty(try.name+" "+try.known, s.Now()); err != nil {
		return nil, s.asLong(ctx, v.user.ID, err)
	}
	match := false
	if len(password) <= maxPassword {
		var err error
		if match, err = s.tryPassword(ctx, try, &v.user, password); err != nil {
			return nil, err
		}
	}
	if !match {
		return nil, badGrant(reason.WrongPassword, "the current password is wrong").because(errors.New("wrong password for user " + v.user.ID))
	}
	s.proved(ctx, try, v.user)
	return try, nil
}
