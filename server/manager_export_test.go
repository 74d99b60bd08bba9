package server

import "github.com/go-oauth2/oauth2/v4"

// Manager is what go-oauth2 sees of s.
func (s *Server) Manager() oauth2.Manager { return &manager{s} }
