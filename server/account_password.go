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
	err = s.setPassword(w, r, v, form.Get("current_password"), form.Get("new_password"))
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
	match := false
	if len(current) <= maxPassword {
		var err error
		if match, err = s.checkPassword(ctx, &v.user, current); err != nil {
			return err
		}
	}
	recordOf(ctx).judged(v.user.ID)
	if !match {
		return badGrant(reason.WrongPassword, "the current password is wrong").because(errors.New("wrong password for user " + v.user.ID))
	}
	hash, err := s.hashes.hashNew(ctx, password)
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
	s.audit(ctx, slog.LevelInfo, store.Event{Type: "password.changed", Actor: byUser(v.user.ID), Subject: v.user.ID, Detail: store.Detail{"grants": changed.Grants}})
	s.afterSessions(ctx, v.user.ID, changed.Sessions)
	s.audit(ctx, slog.LevelInfo, store.Event{Type: "session.started", Actor: byUser(v.user.ID), Subject: v.user.ID, Detail: store.Detail{"session": session.ID}})
	return s.poll(ctx) // before the answer, so that it counts here at once
}
