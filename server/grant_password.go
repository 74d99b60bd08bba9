package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"

	"github.com/go-oauth2/oauth2/v4"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// wrongLogin is the one answer for an unknown user, a wrong password and a
// disabled user, so that nobody learns which names exist.
const wrongLogin = "username or password is wrong"

// login proves the user of a password grant (RFC 6749 §4.3) and gives its id.
// The scope is looked at first: a request that cannot succeed costs no hash.
func (s *Server) login(ctx context.Context, username, password string) (string, error) {
	req := tokenRequestOf(ctx)
	asked, err := s.askedScope(req.scope, req.client)
	if err != nil {
		return "", err
	}
	audience, err := askedAudience(req.resources, s.audiences(), reason.ResourceUnknown)
	if err != nil {
		return "", err
	}
	user, err := s.provePassword(ctx, s.newAttempt(username, req.client.ID, req.from, browser{}), password)
	if err != nil {
		return "", err
	}
	req.user, req.asked, req.audience = user, asked, audience
	return user.ID, nil
}

// provePassword finds the user whose name or email and password these are. The
// hash is paid whether or not the user exists, and so is the time of it by who is refused without one.
func (s *Server) provePassword(ctx context.Context, try *attempt, password string) (user store.User, err error) {
	defer func() { s.metrics.login(err) }()
	if len(password) > maxPassword {
		return store.User{}, badRequest(reason.PasswordTooLong, "the password is longer than 72 bytes; no account has one")
	}
	// RFC 6749 §4.3.2: the endpoint is protected against guessing.
	if err := s.heldOff(try); err != nil {
		return store.User{}, s.asLong(ctx, "", err)
	}
	user, err = s.DB.UserByLogin(ctx, try.login)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.User{}, err
	}
	if err := s.locate(ctx, try, user.ID); err != nil {
		return store.User{}, err
	}
	match, err := s.tryPassword(ctx, try, &user, password)
	if err != nil {
		return store.User{}, err
	}
	recordOf(ctx).judged(user.ID)
	if why, cause := whyRefused(user, match); why != "" {
		return store.User{}, badGrant(why, wrongLogin).because(cause)
	}
	s.proved(ctx, try, user)
	return user, nil
}

// whyRefused is for our log, which names the user by id: what was sent as a
// username may be a password typed into the wrong field.
func whyRefused(user store.User, match bool) (why reason.Word, cause error) {
	switch {
	case user.ID == "":
		return reason.UserUnknown, nil // that says it all
	case !match:
		return reason.WrongPassword, fmt.Errorf("wrong password for user %s", user.ID)
	case !user.DisabledAt.IsZero():
		return reason.UserDisabled, fmt.Errorf("user %s is disabled", user.ID)
	}
	return "", nil
}

// grantPassword starts the authorization of a user who logged in.
func (s *Server) grantPassword(ctx context.Context) (oauth2.TokenInfo, error) {
	req := tokenRequestOf(ctx)
	scope, err := s.userScope(req.asked, req.user)
	if err != nil {
		return nil, err
	}
	refresh := mayRefresh(scope, req.client)
	g := s.newGrant(store.Grant{
		ID: rand.Text(), ClientID: req.client.ID, UserID: req.user.ID, Scope: scope, AuthTime: s.Now(), Audience: req.audience, UsedFrom: req.from,
	}, refresh)
	created, err := s.DB.CreateGrant(ctx, g, req.user.PasswordHash)
	if err != nil {
		return nil, err
	}
	if !created { // disabled, deleted or given another password since it was read
		return nil, badGrant(reason.LoginOvertaken, wrongLogin)
	}
	s.auditLogin(ctx, req.user.ID)
	s.audit(ctx, slog.LevelInfo, grantCreated(g, "password"))
	return s.issue(ctx, g, issuance{scope: scope, audience: s.orOwn(g.Audience), refresh: refresh, user: req.user})
}

// newGrant is a fresh authorization of what g says. One that is never refreshed
// need not outlive its access token.
func (s *Server) newGrant(g store.Grant, refresh bool) store.Grant {
	now := s.Now()
	g.Generation, g.CreatedAt, g.RotatedAt = 1, now, now
	g.ExpiresAt, g.MaxExpiresAt = now.Add(s.AccessTTL), now.Add(s.AccessTTL)
	if refresh {
		g.MaxExpiresAt = now.Add(s.RefreshMaxTTL)
		g.ExpiresAt = earlier(now.Add(s.RefreshTTL), g.MaxExpiresAt)
	}
	return g
}
