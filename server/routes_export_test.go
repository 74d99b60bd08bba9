package server

import "net/http"

// RouteTable has "GET /path" for every route that s serves.
func (s *Server) RouteTable() map[string]bool { return s.table().known }

func (s *Server) table() urls {
	table, err := s.routes()
	if err != nil {
		panic(err) // New had none
	}
	return table
}

// Undescribed is what the OpenAPI description leaves out.
var Undescribed = undescribed

// Walked is s without a memory for what its router has at a path.
func (s *Server) Walked() http.Handler { return s.observe(s.table().Router) }

// Remembered are the methods and paths for which the router is not asked any more.
func (s *Server) Remembered() (targets [][2]string) {
	for t := range s.table().matched {
		targets = append(targets, [2]string{t.method, t.path})
	}
	return targets
}
