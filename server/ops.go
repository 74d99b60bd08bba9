package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/mux"
)

// readyTime is how long /readyz waits for the database: less than those who ask
// usually wait for /readyz.
const readyTime = 2 * time.Second

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
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	// The log has the cause. It names user, hosts and database, and whoever asks here proves nothing.
	short, err := "the database cannot be reached or written", s.DB.Ready(ctx)
	if err == nil {
		short = "there is no key to sign with"
		_, err = s.ring.Signer(s.Now())
	}
	if r.Context().Err() == nil {
		s.unready.log(r.Context(), s.Log, "readiness", err)
	}
	if err != nil {
		http.Error(w, short+"; the log says why", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}
