package server

import "github.com/grantd/grantd/scopes"

// makeVerifiers sets up s.verifier, for tokens that are for this server itself, and
// s.anyVerifier, for those of any of our audiences: the endpoints about tokens,
// unlike a resource, are there for all of them.
func (s *Server) makeVerifiers() (err error) {
	if s.verifier, err = s.verifierFor(); err != nil {
		return err
	}
	if s.anyVerifier = s.verifier; len(s.Audiences) > 0 {
		s.anyVerifier, err = s.verifierFor(s.Audiences...)
	}
	return err
}

func (s *Server) verifierFor(others ...string) (*scopes.Verifier, error) {
	return scopes.NewVerifier(scopes.VerifierOptions{
		Issuer: s.Issuer, Audience: s.Audience, OtherAudiences: others, Keys: s.ring, Leeway: leeway, Now: s.Now, Revoked: s.revoked,
	})
}
