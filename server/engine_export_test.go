package server

import oauth2server "github.com/go-oauth2/oauth2/v4/server"

// Engine is go-oauth2 as grantd sets it up.
func (s *Server) Engine() *oauth2server.Server { return s.engine }
