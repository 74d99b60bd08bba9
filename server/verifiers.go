package server

import (
	"context"
	"errors"

	"github.com/grantd/grantd/scopes"
)

// anyAudience accepts access tokens of this issuer for any of our audiences: the
// endpoints about tokens, unlike a resource, are there for all of them.
type anyAudience []*scopes.Verifier

// Verify gives the claims of a valid access token, or an *scopes.Error.
func (all anyAudience) Verify(ctx context.Context, token string) (claims *scopes.Claims, err error) {
	for _, v := range all {
		claims, err = v.Verify(ctx, token)
		if refused := (*scopes.Error)(nil); !errors.As(err, &refused) || refused.Kind != scopes.WrongAudience {
			return claims, err
		}
	}
	return claims, err
}

// makeVerifiers sets up s.verifier, for tokens that are for this server itself, and s.anyVerifier.
func (s *Server) makeVerifiers() (err error) {
	if s.verifier, err = s.verifierFor(s.Audience); err != nil {
		return err
	}
	all := anyAudience{s.verifier}
	for _, audience := range s.Audiences {
		v, err := s.verifierFor(audience)
		if err != nil {
			return err
		}
		all = append(all, v)
	}
	s.anyVerifier = all
	return nil
}

func (s *Server) verifierFor(audience string) (*scopes.Verifier, error) {
	return scopes.NewVerifier(scopes.VerifierOptions{
		Issuer: s.Issuer, Audience: audience, Keys: s.ring, Leeway: leeway, Now: s.Now, Revoked: s.revoked,
	})
}
