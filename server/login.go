package server

import (
	"net/http"
	"net/url"
)

// toSignIn sends a person to sign in and back to where they were going.
func (s *Server) toSignIn(w http.ResponseWriter, r *http.Request) error {
	return seeOther(w, s.prefix+"/login?"+url.Values{"return_to": {r.URL.RequestURI()}}.Encode())
}
