package server

// RouteTable has "GET /path" for every route that s serves.
func (s *Server) RouteTable() map[string]bool { return s.routes().known }
