package server

import (
	"errors"
	"net/http"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// userinfoGuard lets a request pass whose bearer token has the scope openid
// (OpenID Connect Core §5.3.1), for whichever of our audiences it is.
func (s *Server) userinfoGuard() http.Handler {
	guard := scopes.Guard{
		Verifier: s.anyVerifier, Realm: "grantd",
		Refused: s.tokenRefused,
		Members: func(r *http.Request, _ *scopes.Error) map[string]any { return s.members(r) },
	}
	return guard.Require("openid")(s.api(s.userinfo))
}

// userinfo answers GET and POST /userinfo (OpenID Connect Core §5.3). The token is
// read from the header alone (§5.3.1 leaves that to RFC 6750 §2.1): one in a form
// is not, as everywhere else.
func (s *Server) userinfo(w http.ResponseWriter, r *http.Request) error {
	claims, ok := scopes.FromContext(r.Context())
	if !ok {
		return errors.New("userinfo was reached without claims")
	}
	recordOf(r.Context()).client = claims.ClientID
	user, err := s.DB.User(r.Context(), claims.Subject)
	if errors.Is(err, store.ErrNotFound) || err == nil && !user.DisabledAt.IsZero() {
		scopes.Refuse(w, r, &scopes.Error{Kind: scopes.Revoked, Description: "the user of this token is disabled or gone"})
		return nil
	}
	if err != nil {
		return err
	}
	// What claims asked for by name has its scope in the token (see claimsRequest.scopes).
	about := userClaims(user, claims.Scope)
	about["sub"] = user.ID // §5.3.2: always
	return writeJSON(w, http.StatusOK, about)
}
