package server

// RouteTable has "GET /path" for every route that s serves.
func (s *Server) RouteTable() map[string]bool {
	table, err := s.routes()
	if err != nil {
		panic(err) // New had none
	}
	return table.known
}

// Undescribed is what the OpenAPI description leaves out.
var Undescribed = undescribed
