package server

import (
	"net/http"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// AnswerIn answers an authorization request for ann, in a session that may have
// ended since it was looked up, with scopes that she is said to have granted.
func (s *Server) AnswerIn(session store.Session, query string, granted scopes.Set) http.Handler {
	return s.observe(s.page(func(w http.ResponseWriter, r *http.Request) error {
		a, err := s.authorizationFrom(r.Context(), query)
		if err != nil {
			return err
		}
		return s.issueCode(w, r, a, visitor{session, store.User{ID: "u-ann"}}, granted)
	}))
}
