package server

import (
	"net/http"

	"github.com/grantd/grantd/store"
)

// AnswerWithoutSession answers an authorization request for a visitor whose
// session ended since it was looked up.
func (s *Server) AnswerWithoutSession(query string) http.Handler {
	return s.observe(s.page(func(w http.ResponseWriter, r *http.Request) error {
		a, err := s.authorizationFrom(r.Context(), query)
		if err != nil {
			return err
		}
		return s.issueCode(w, r, a, visitor{store.Session{ID: "ended"}, store.User{ID: "u-ann"}}, a.scope)
	}))
}
