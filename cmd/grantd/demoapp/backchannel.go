package demoapp

import (
	"net/http"

	"github.com/coreos/go-oidc/v3/oidc"
)

// backchannelLogout answers POST /backchannel-logout, by which the issuer tells
// that somebody signed out there (OpenID Connect Back-Channel Logout §2.5-2.8).
func (a *App) backchannelLogout(w http.ResponseWriter, r *http.Request) {
	p, err := a.issuer.get()
	if err != nil {
		http.Error(w, "the issuer cannot be reached", http.StatusInternalServerError)
		return
	}
	ctx := a.issuer.context(r.Context())
	token, err := p.VerifierContext(ctx, &oidc.Config{ClientID: a.ClientID}).VerifyLogout(ctx, r.PostFormValue("logout_token"))
	if err != nil {
		a.Log.Warn("the demo app refuses a logout token", "error", err)
		http.Error(w, "invalid logout token", http.StatusBadRequest)
		return
	}
	a.sessions.each(func(s *session) {
		if s.user != nil && isMeant(s.user, token) {
			s.user, s.notice = nil, "You signed out at grantd, so the demo app has signed you out, too."
		}
	})
	w.WriteHeader(http.StatusOK)
}

// isMeant: a token with a session is about that one, without about all of the person.
func isMeant(u *user, t *oidc.LogoutToken) bool {
	if t.Subject != "" && t.Subject != u.subject {
		return false
	}
	return t.SessionID == "" || t.SessionID == u.sid
}
