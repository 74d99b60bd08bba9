package server

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// revoke answers POST /revoke (RFC 7009). A refresh token takes its whole
// authorization with it, an access token only itself.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	client, err := s.authenticateClient(r, form, noFallback)
	if err != nil {
		return err
	}
	if !form.Has("token") {
		return badRequest(reason.ParameterMissing, "token is missing")
	}
	if err := s.revokeOwn(r.Context(), form.Get("token"), client); err != nil {
		return err
	}
	// RFC 7009 §2.2: 200, also for a token that was not valid to begin with.
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return nil
}

// revokeOwn revokes the token if it is the client's. token_type_hint is not
// needed: the two kinds cannot be mistaken for each other.
func (s *Server) revokeOwn(ctx context.Context, raw string, client *store.Client) error {
	t, err := s.readRefresh(ctx, raw)
	switch {
	case isTemporary(err):
		return err
	case err == nil && t.ClientID != client.ID:
		return notOwn()
	case err == nil:
		return s.revokeGrant(ctx, t)
	}
	claims, err := s.anyVerifier.Verify(ctx, raw)
	if isTemporary(err) {
		return err
	}
	if err != nil {
		return nil // unknown, expired or revoked: nothing is left to do
	}
	if claims.ClientID != client.ID {
		return notOwn()
	}
	return s.revokeToken(ctx, claims)
}

// notOwn: RFC 7009 §2.1, the token must have been issued to the client.
func notOwn() error {
	return badGrant(reason.TokenOfAnotherClient, "the token was issued to another client")
}

func (s *Server) revokeGrant(ctx context.Context, t token.Refresh) error {
	now := s.Now()
	revoked, err := s.DB.RevokeGrant(ctx, t.GrantID, now, accessEnd(now))
	if err != nil {
		return err
	}
	if revoked { // else every server has it in its feed, by its own date
		s.live.add(store.Revocation{Kind: store.RevokedGrant, ID: t.GrantID, RevokedAt: now, ExpiresAt: accessEnd(now)})
		s.audit(ctx, slog.LevelInfo, store.Event{Type: "grant.revoked", Subject: t.Subject, ClientID: t.ClientID, GrantID: t.GrantID})
	}
	return nil
}

func (s *Server) revokeToken(ctx context.Context, c *scopes.Claims) error {
	now, until := s.Now(), c.ExpiresAt.Add(2*leeway)
	if err := s.revokes.take(c, now); err != nil {
		return err
	}
	if err := s.DB.RevokeToken(ctx, c.ID, now, until); err != nil {
		return err
	}
	s.live.add(store.Revocation{Kind: store.RevokedToken, ID: c.ID, RevokedAt: now, ExpiresAt: until})
	s.audit(ctx, slog.LevelInfo, store.Event{Type: "access_token.revoked", Subject: c.Subject, ClientID: c.ClientID, GrantID: c.GrantID, Detail: store.Detail{"jti": c.ID}})
	return nil
}
