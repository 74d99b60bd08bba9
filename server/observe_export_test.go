package server

import "net/http"

// Observed puts around h what is around every route.
func (s *Server) Observed(h http.Handler) http.Handler { return s.observe(h) }
