package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/grantd/grantd/scopes"
)

// introspection is the answer of RFC 7662 §2.2.
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	Issued    int64  `json:"iat,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Audience  any    `json:"aud,omitempty"` // a string, or an array of several
	Issuer    string `json:"iss,omitempty"`
	ID        string `json:"jti,omitempty"`
	GrantID   string `json:"gid,omitempty"`
	AuthTime  int64  `json:"auth_time,omitempty"`
}

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
		return notForClient("this client may not introspect tokens")
	}
	if !form.Has("token") {
		return badRequest("token is missing")
	}
	answer, err := s.introspection(r.Context(), form.Get("token"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, answer)
}

// introspection says no more of a token that is not active than that (§2.2).
func (s *Server) introspection(ctx context.Context, raw string) (introspection, error) {
	claims, err := s.anyVerifier.Verify(ctx, raw)
	if err == nil {
		return s.aboutAccess(claims), nil
	}
	if isTemporary(err) {
		return introspection{}, err
	}
	t, err := s.liveRefresh(ctx, raw)
	var refused *Error
	switch {
	case errors.As(err, &refused):
		return introspection{}, nil
	case err != nil:
		return introspection{}, err
	}
	return introspection{
		Active: true, Scope: t.Scope.String(), ClientID: t.ClientID, TokenType: "refresh_token",
		Expires: t.ExpireAt.Unix(), Issued: t.IssuedAt.Unix(), Subject: t.Subject, Audience: s.Issuer, Issuer: s.Issuer, GrantID: t.GrantID,
	}, nil
}

// aud is an audience as RFC 7662 §2.2 has it: a string if it is one, else an array.
func aud(audience []string) any {
	if len(audience) == 1 {
		return audience[0]
	}
	return audience
}

func (s *Server) aboutAccess(c *scopes.Claims) introspection {
	about := introspection{
		Active: true, Scope: c.Scope.String(), ClientID: c.ClientID, TokenType: "Bearer",
		Expires: c.ExpiresAt.Unix(), Issued: c.IssuedAt.Unix(), Subject: c.Subject, Audience: aud(c.Audience), Issuer: c.Issuer,
		ID: c.ID, GrantID: c.GrantID,
	}
	if !c.AuthTime.IsZero() {
		about.AuthTime = c.AuthTime.Unix()
	}
	return about
}
