package server

import (
	"context"
	"errors"
	"log/slog"

	"github.com/go-oauth2/oauth2/v4"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// grantRefresh answers a refresh token (RFC 6749 §6). Owner, expiry and scope
// are checked before anything is spent, so that nobody can use up a token that
// is not theirs.
func (s *Server) grantRefresh(ctx context.Context, refresh, requested string) (info oauth2.TokenInfo, err error) {
	t, err := s.readRefresh(ctx, refresh)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			recordOf(ctx).about(t.Subject, t.GrantID)
		}
	}()
	// RFC 6749 §10.4: a refresh token is bound to the client it was issued to.
	client := tokenRequestOf(ctx).client
	if t.ClientID != client.ID {
		return nil, badGrant(reason.RefreshTokenOfAnotherClient, "the refresh token was issued to another client").
			becausef("it is of authorization %s, issued to client %s", t.GrantID, t.ClientID)
	}
	scope, err := narrowedScope(requested, s.scopes.Intersect(t.Scope))
	if err != nil {
		return nil, err
	}
	if err := s.checkNarrowing(ctx, t); err != nil {
		return nil, err
	}
	return s.rotate(ctx, t, scope)
}

// checkNarrowing: RFC 8707 §2.2: a refresh may ask for a part of the audience. The
// token does not say what that is; only those who ask pay for the look.
func (s *Server) checkNarrowing(ctx context.Context, t token.Refresh) error {
	resources := tokenRequestOf(ctx).resources
	if len(resources) == 0 {
		return nil
	}
	g, err := s.DB.Grant(ctx, t.GrantID)
	if errors.Is(err, store.ErrNotFound) {
		return badGrant(reason.GrantGone, "the authorization is gone; log in again").becausef("there is no authorization %s", t.GrantID)
	}
	if err != nil {
		return err
	}
	_, err = s.narrowedAudience(resources, g.Audience)
	return err
}

func (s *Server) rotate(ctx context.Context, t token.Refresh, scope scopes.Set) (oauth2.TokenInfo, error) {
	// Before the token is spent: without a grace a client that asks again after a fault is a thief.
	user, err := s.whomToName(ctx, t.Subject, scope)
	if err != nil {
		return nil, err
	}
	in := s.rotation(t)
	in.From = tokenRequestOf(ctx).from
	// The signature is worth the time of a disk. Nobody sees it before the rotation is durable.
	var early oauth2.TokenInfo
	in.Meanwhile = func(g store.Grant) { early, _ = s.reissue(ctx, g, scope, user) }
	rot, err := s.DB.RotateGrant(ctx, in)
	if err != nil {
		return nil, err
	}
	recordOf(ctx).outcome = rot.Outcome.String()
	s.metrics.rotations.Inc(rot.Outcome.String())
	noteRotation(ctx, t, rot.Outcome)
	switch rot.Outcome {
	case store.Rotated, store.Repeated:
		if early != nil && rot.Outcome == store.Rotated {
			return early, nil
		}
		return s.reissue(ctx, rot.Grant, scope, user)
	case store.Reused:
		s.afterReuse(ctx, t)
		return nil, badGrant(reason.RefreshTokenReused, "the refresh token was used before; the authorization is revoked, log in again").
			becausef("generation %d of authorization %s came again; the newest is %d", t.Generation, t.GrantID, rot.Grant.Generation)
	case store.Expired:
		return nil, badGrant(reason.RefreshTokenExpired, "the refresh token expired; log in again").becausef("authorization %s is over", t.GrantID)
	}
	return nil, badGrant(reason.GrantRevoked, "the authorization was revoked; log in again").
		becausef("grant %s is %s", t.GrantID, rot.Outcome)
}

// noteRotation notes what everyday use was made of an authorization.
func noteRotation(ctx context.Context, t token.Refresh, outcome store.Outcome) {
	switch outcome {
	case store.Rotated:
		recordOf(ctx).used("refresh_token.rotated", t.Subject, t.GrantID)
	case store.Repeated:
		recordOf(ctx).used("refresh_token.repeated", t.Subject, t.GrantID)
	}
}

// reissue mints the answer of an authorization that was rotated.
func (s *Server) reissue(ctx context.Context, g store.Grant, scope scopes.Set, user store.User) (oauth2.TokenInfo, error) {
	audience, err := s.narrowedAudience(tokenRequestOf(ctx).resources, g.Audience)
	if err != nil {
		return nil, err
	}
	return s.issue(ctx, g, issuance{scope: scope, audience: audience, refresh: true, user: user})
}

// afterReuse: RFC 9700 §4.14.2. Whoever holds the authorization's tokens, a
// thief or the client, has to log in again.
func (s *Server) afterReuse(ctx context.Context, t token.Refresh) {
	s.audit(ctx, slog.LevelWarn, store.Event{
		Type: "refresh_token.reused", Subject: t.Subject, ClientID: t.ClientID, GrantID: t.GrantID, Detail: store.Detail{"generation": t.Generation},
	})
	now := s.Now()
	s.live.add(store.Revocation{Kind: store.RevokedGrant, ID: t.GrantID, RevokedAt: now, ExpiresAt: accessEnd(now)})
}

const notRefresh = "this is not a refresh token of this server"

func (s *Server) readRefresh(ctx context.Context, refresh string) (token.Refresh, error) {
	t, err := s.refresher.Read(refresh)
	if errors.Is(err, token.ErrOtherKey) {
		t, err = s.readOtherKey(ctx, refresh)
	}
	var told *Error
	switch {
	case errors.As(err, &told):
		return t, err
	case errors.Is(err, token.ErrRefreshExpired):
		return t, badGrant(reason.RefreshTokenExpired, "the refresh token expired; log in again").because(err)
	case errors.Is(err, token.ErrOtherKey):
		return t, badGrant(reason.RefreshTokenInvalid, notRefresh).becausef("it looks like one, and no key that is known here made it")
	case err != nil:
		return t, badGrant(reason.RefreshTokenInvalid, notRefresh).because(err)
	}
	return t, nil
}

// liveRefresh reads a refresh token that would be honoured now.
func (s *Server) liveRefresh(ctx context.Context, refresh string) (token.Refresh, error) {
	t, err := s.readRefresh(ctx, refresh)
	if err != nil {
		return t, err
	}
	g, err := s.DB.Grant(ctx, t.GrantID)
	if errors.Is(err, store.ErrNotFound) {
		return t, badGrant(reason.GrantGone, "the authorization is gone")
	}
	if err != nil {
		return t, err
	}
	switch g.Foresee(s.rotation(t)) {
	case store.Rotated, store.Repeated:
		return t, nil
	}
	return t, badGrant(reason.GrantRevoked, "the refresh token is spent or revoked")
}

// rotation is what a refresh token asks of its authorization now.
func (s *Server) rotation(t token.Refresh) store.Rotation {
	now := s.Now()
	return store.Rotation{
		ID: t.GrantID, ClientID: t.ClientID, UserID: t.Subject, Generation: t.Generation,
		Now: now, IdleTTL: s.RefreshTTL, Grace: s.ReuseGrace, Until: accessEnd(now),
	}
}
