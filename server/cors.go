package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

const (
	originsKeep     = time.Minute // how long origins are believed to be registered
	originsRest     = time.Second // between two looks for one that is not known
	maxOrigin       = 300         // bytes of an Origin header that is looked up
	preflightMaxAge = "600"       // seconds that browsers may remember a preflight
)

// origins are those whose scripts may read what we answer, kept in memory.
type origins struct {
	mu    sync.RWMutex
	known map[string]bool
	asOf  time.Time // when they were read
	tried time.Time

	reading sync.Mutex // one look at a time
}

// registered reports whether a single-page app is registered for an origin. An origin
// that is not known is looked for, at most once a second; when nobody can tell, it is not.
func (o *origins) registered(ctx context.Context, db *store.DB, origin string, now time.Time) (bool, error) {
	if origin == "" || origin == "null" || len(origin) > maxOrigin {
		return false, nil
	}
	if known, _ := o.look(origin, now); known {
		return true, nil
	}
	o.reading.Lock()
	defer o.reading.Unlock()
	known, rest := o.look(origin, now)
	if known || rest { // another request has just looked
		return known, nil
	}
	all, err := db.Origins(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tried = now
	if err != nil {
		return false, err
	}
	o.asOf, o.known = now, make(map[string]bool, len(all))
	for _, one := range all {
		o.known[one] = true
	}
	return o.known[origin], nil
}

// look says what is known of an origin, and whether it is too early to ask again.
func (o *origins) look(origin string, now time.Time) (known, rest bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.known[origin] && within(now.Sub(o.asOf), originsKeep), within(now.Sub(o.tried), originsRest)
}

// shared lets scripts of single-page apps read the answers of h, from the origins
// that those are registered for. Credentials of the browser are never theirs: our
// cookies are for pages.
func (s *Server) shared(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin") // Fetch §3.2: also when there is none
		origin := s.knownOrigin(r)
		if origin == "" {
			recordOf(r.Context()).cause = s.foreignOrigin(r) // the answer is right, and in the browser nobody can read it
			h.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(&sharedWriter{ResponseWriter: w, s: s, ctx: r.Context(), origin: origin}, r)
	})
}

// knownOrigin is the Origin header if it is one that an app registered, else empty.
func (s *Server) knownOrigin(r *http.Request) string {
	sent := r.Header.Values("Origin")
	if len(sent) != 1 {
		return ""
	}
	ctx, cancel := context.WithTimeout(r.Context(), taskTime)
	defer cancel()
	ok, err := s.origins.registered(ctx, s.DB, sent[0], s.Now())
	s.warn(ctx, "read the origins of single-page apps", err)
	if !ok {
		return ""
	}
	return sent[0]
}

// foreignOrigin is, for the operator, what is wrong with the Origin of a request that knownOrigin does not know. Nil: it
// has none, or it is our own.
func (s *Server) foreignOrigin(r *http.Request) error {
	sent := r.Header.Values("Origin")
	switch {
	case len(sent) == 0, len(sent) == 1 && strings.HasPrefix(s.Issuer+"/", sent[0]+"/"):
		return nil
	case len(sent) > 1:
		return errors.New("there is more than one Origin header")
	case sent[0] == "null":
		return errors.New("the Origin is null: the script runs in a sandbox, from a file, or after a redirect to another site")
	}
	return fmt.Errorf("the Origin %s is registered for no client: scripts there cannot read the answer", loggedURI(sent[0]))
}

// sharedWriter says in an answer that scripts of the origin may read it, unless it
// is the answer to another client than the one of that origin.
type sharedWriter struct {
	http.ResponseWriter
	s      *Server
	ctx    context.Context
	origin string
	wrote  bool
}

func (w *sharedWriter) WriteHeader(status int) {
	if !w.wrote && w.isOfClient() {
		w.Header().Set("Access-Control-Allow-Origin", w.origin)
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate, X-Request-Id")
	}
	w.wrote = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *sharedWriter) Write(b []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *sharedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *sharedWriter) isOfClient() bool {
	id := recordOf(w.ctx).client
	if id == "" {
		return true // it is known to nobody yet, as in a refusal
	}
	client, _, err := w.s.client(w.ctx, id)
	return err == nil && slices.Contains(client.Origins, w.origin)
}

// preflight answers OPTIONS at a URL that has these methods (Fetch §4.8). A browser
// that is told nothing sends nothing.
func (s *Server) preflight(methods []string) http.Handler {
	allow := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		h.Set("Allow", allow+", "+http.MethodOptions)
		if origin := s.knownOrigin(r); origin != "" {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Methods", allow)
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			h.Set("Access-Control-Max-Age", preflightMaxAge)
		} else if err := s.foreignOrigin(r); err != nil {
			recordOf(r.Context()).refused(accessDenied, reason.OriginUnregistered, refusal(reason.OriginUnregistered, accessDenied, "the browser is not told that it may").because(err))
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// serveShared serves a URL for programs and for the scripts of single-page apps.
func (s *Server) serveShared(table urls, path string, h http.Handler, methods ...string) {
	for _, method := range methods {
		table.serve(method, path, s.shared(h))
	}
	table.mount([]string{http.MethodOptions}, path, s.preflight(withHead(methods)), table.paths(path)...)
}

// wellKnownShared is wellKnown, for the scripts of single-page apps, too.
func (s *Server) wellKnownShared(table urls, name string, h http.Handler) {
	table.wellKnown(name, s.shared(h))
	path := "/.well-known/" + name
	table.mount([]string{http.MethodOptions}, path, s.preflight(withHead([]string{http.MethodGet})), append(table.paths(path), path+table.prefix)...)
}
