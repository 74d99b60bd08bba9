package server

import (
	"net/http"
	"net/url"
)

// AuthenticateClient is the client that sent a request.
func (s *Server) AuthenticateClient(r *http.Request, form url.Values) (id string, err error) {
	c, err := s.authenticateClient(r, form, noFallback)
	if err != nil {
		return "", err
	}
	return c.ID, nil
}
