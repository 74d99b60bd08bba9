package server

import (
	"fmt"
	"net/http"

	"github.com/gorilla/mux"
)

// Ops answers the operator's listener: is the process alive, can it serve.
func (s *Server) Ops() http.Handler {
	router := mux.NewRouter()
	router.Path("/healthz").Methods("GET", "HEAD").HandlerFunc(healthz)
	router.Path("/readyz").Methods("GET", "HEAD").HandlerFunc(s.readyz)
	return router
}

// healthz answers GET /healthz: the process runs.
func healthz(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// readyz answers GET /readyz: the database can be read and written, and there is
// a key to sign with.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	err := s.DB.Ready(r.Context())
	if err == nil {
		_, err = s.ring.Signer(s.Now())
	}
	if err != nil {
		s.warn(r.Context(), "not ready", err)
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}
