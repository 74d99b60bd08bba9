package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/mux"
	"github.com/grantd/grantd/store"
)

// readyTime is how long /readyz waits for the database: less than those who ask
// usually wait for /readyz.
const readyTime = 2 * time.Second

// Ops answers the operator's listener: is the process alive, can it serve, how is it doing.
func (s *Server) Ops() http.Handler {
	return s.ops(databaseProbe(s.DB), probe{"there is no key to sign with", func(context.Context) error {
		_, err := s.ring.Signer(s.Now())
		return err
	}})
}

// probe looks for something without which requests cannot be served.
type probe struct {
	failing string // what to say then
	do      func(context.Context) error
}

func databaseProbe(db *store.DB) probe {
	return probe{"the database cannot be reached or written", func(ctx context.Context) error {
		err := db.Ready(ctx)
		if errors.Is(err, context.DeadlineExceeded) { // which names nothing that could be mended
			return fmt.Errorf("the database did not answer within %s: another process holds it, or it or the network to it is slow (%w)", readyTime, err)
		}
		return err
	}}
}

func (f *frame) ops(probes ...probe) http.Handler {
	router := mux.NewRouter()
	router.Path("/healthz").Methods("GET", "HEAD").HandlerFunc(healthz)
	router.Path("/readyz").Methods("GET", "HEAD").HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.readyz(w, r, probes) })
	router.Path("/metrics").Methods("GET", "HEAD").Handler(f.metrics.Handler())
	return router
}

// healthz answers GET /healthz: the process runs.
func healthz(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// readyz answers GET /readyz: no probe fails.
func (f *frame) readyz(w http.ResponseWriter, r *http.Request, probes []probe) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	var short string
	var err error
	for _, p := range probes {
		if err = p.do(ctx); err != nil {
			short = p.failing
			break
		}
	}
	if r.Context().Err() == nil {
		f.unready.log(r.Context(), f.log, "readiness", err)
	}
	f.metrics.probes.Inc(outcomeOf(err))
	if err != nil {
		// The log has the cause. It names user, hosts and database, and whoever asks here proves nothing.
		http.Error(w, short+"; the log says why", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}
