package server

// ForgetKeys leaves the server without a key to sign with.
func (s *Server) ForgetKeys() error { return s.ring.Replace(nil) }
