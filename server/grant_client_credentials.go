package server

import (
	"context"

	"github.com/go-oauth2/oauth2/v4"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/token"
)

// grantClientCredentials issues a token to the client itself. RFC 6749 §4.4.3:
// no refresh token; grantd keeps no row either.
func (s *Server) grantClientCredentials(ctx context.Context, requested string) (oauth2.TokenInfo, error) {
	client := tokenRequestOf(ctx).client
	scope, err := s.askedScope(requested, client)
	if err != nil {
		return nil, err
	}
	// There is nobody whom they could be about, or who could be away.
	if identity := scope.Intersect(identityScopeNames()); len(identity) > 0 {
		return nil, badScope(reason.ScopeNeedsUser, "scope "+identity[0]+" is about a user; client_credentials has none")
	}
	audience, err := askedAudience(tokenRequestOf(ctx).resources, s.audiences(), reason.ResourceUnknown)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	info, err := s.mintAccess(token.Access{
		Subject: client.ID, ClientID: client.ID, Audience: s.orOwn(audience), Scope: scope, IssuedAt: now, ExpireAt: now.Add(s.AccessTTL),
	})
	if err != nil {
		return nil, err
	}
	recordOf(ctx).used("token.issued", "", "")
	return info, nil
}
