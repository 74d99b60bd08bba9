package main

import (
	"net/http"
	"net/http/pprof"

	"github.com/grantd/grantd/config"
)

// profiled adds Go's profiles to the operator's listener, if the settings say so.
//
// The package registers itself on http.DefaultServeMux, too, which nothing here serves. Its
// "cmdline" is left out: the flag --database may hold a password.
func profiled(cfg config.Pprof, ops http.Handler) http.Handler {
	if !cfg.Enabled {
		return ops
	}
	mux := http.NewServeMux()
	mux.Handle("/", ops)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
