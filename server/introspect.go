package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
)

// introspect answers POST /introspect (RFC 7662).
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	client, err := s.authenticateClient(r, form, noFallback)
	if err != nil {
		return err
	}
	// RFC 7662 §2.1: the endpoint must not be open to token scanning.
	if public(client) || !client.Introspect {
		return notForClient(reason.IntrospectionNotForClient, "this client may not introspect tokens").
			becausef("%s is not registered with --introspect", clientWords(client))
	}
	if !form.Has("token") {
		return badRequest(reason.ParameterMissing, "token is missing")
	}
	answer, err := s.introspection(r.Context(), form.Get("token"))
	if err != nil {
		return err
	}
	return writeObject(w, http.StatusOK, answer)
}

// introspection is the answer of RFC 7662 §2.2. Of a token that is not active it says no
// more than that.
func (s *Server) introspection(ctx context.Context, raw string) (object, error) {
	claims, err := s.anyVerifier.Verify(ctx, raw)
	if err == nil {
		return s.aboutAccess(claims), nil
	}
	if isTemporary(err) {
		return nil, err
	}
	t, err := s.liveRefresh(ctx, raw)
	var refused *Error
	switch {
	case errors.As(err, &refused) && !isTemporary(err):
		return newObject(32).truth("active", false), nil
	case err != nil:
		return nil, err
	}
	return newObject(600).truth("active", true).text("scope", t.Scope.String()).text("client_id", t.ClientID).text("token_type", "refresh_token").
		number("exp", t.ExpireAt.Unix()).number("iat", t.IssuedAt.Unix()).text("sub", t.Subject).
		text("aud", s.Issuer).text("iss", s.Issuer).text("gid", t.GrantID), nil
}

func (s *Server) aboutAccess(c *scopes.Claims) object {
	about := newObject(600).truth("active", true).text("scope", c.Scope.String()).text("client_id", c.ClientID).text("token_type", "Bearer").
		number("exp", c.ExpiresAt.Unix()).number("iat", c.IssuedAt.Unix()).text("sub", c.Subject)
	if len(c.Audience) == 1 { // RFC 7662 §2.2: a string if it is one, else an array
		about = about.text("aud", c.Audience[0])
	} else {
		about = about.texts("aud", c.Audience)
	}
	about = about.text("iss", c.Issuer).text("jti", c.ID).text("gid", c.GrantID)
	if !c.AuthTime.IsZero() {
		about = about.number("auth_time", c.AuthTime.Unix())
	}
	return about
}
