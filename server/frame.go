package server

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/resource"
	"github.com/grantd/grantd/server/telemetry"
)

// frame is what stands around routes, whosever they are: the log, request ids, and
// the words of errors.
type frame struct {
	log     *slog.Logger
	proxies []netip.Prefix // that may say whom a request comes from
	unready outage
	metrics *metrics
	events  *recorder
	tracing *telemetry.Tracing // nil: nobody asked for traces

	explains bool // see Options.Explain
}

func newFrame(log *slog.Logger, proxies []netip.Prefix, version string) *frame {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &frame{log: log, proxies: proxies, metrics: newMetrics(version), events: newRecorder(log)}
}

// handler answers a request or returns why not; writeError words the refusal.
type handler func(w http.ResponseWriter, r *http.Request) error

// api is the surface of programs: JSON, errors as RFC 6749 §5.2 has them, nothing kept.
func (f *frame) api(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			f.writeError(w, r, err)
		}
	})
}

// public is the surface of documents that anybody may read and keep, scripts of
// other origins included.
func (f *frame) public(h handler) http.Handler {
	return f.api(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		return h(w, r)
	})
}

// mountResources adds the resource router to the table and returns its routes. The
// metadata is served like our other documents.
func (f *frame) mountResources(table urls, o resource.Options) ([]scopes.Route, error) {
	o.CheckPassword, o.Fail = CheckNewPassword, f.writeError
	o.Admitted = func(r *http.Request, c *scopes.Claims) { recordOf(r.Context()).client = c.ClientID }
	o.TokenRefused = f.tokenRefused
	o.Refused = func(r *http.Request, code string, why reason.Word, err error) {
		recordOf(r.Context()).refused(code, why, err)
	}
	o.Members, o.Added = f.members, f.auditSignup
	router := resource.New(o)
	return router.Routes, router.Mount(func(method, path string, h http.Handler) {
		if strings.HasPrefix(path, "/.well-known/") {
			table.wellKnown("oauth-protected-resource", f.public(document(router.Metadata())))
			return
		}
		if method == http.MethodPost {
			h = f.located(h) // sign-ups are counted by address
		}
		table.serve(method, path, h)
	})
}

// located finds out where a request comes from before it is answered.
func (f *frame) located(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.clientAddress(r)
		h.ServeHTTP(w, r)
	})
}
