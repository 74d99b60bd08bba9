package server_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/grantd/grantd/server"
)

// rerun is one request that is sent again and again, straight to the handler: what it
// costs is what stands between net/http and the arithmetic.
type rerun struct {
	h    http.Handler
	r    *http.Request
	body []byte
	w    discard
}

// discard is an answer that nobody reads.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// again sends the request, as net/http would: with headers of its own, a body that is
// unread and a context of its own.
func (c *rerun) again() int {
	clear(c.w.header)
	c.w.status = 0
	r := *c.r
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	c.h.ServeHTTP(&c.w, &r)
	return c.w.status
}

// reruns are the requests that benchmarks and bounds of allocations are about.
func reruns(t testing.TB) map[string]*rerun {
	s := newSystem(t, func(o *server.Options) {
		o.Log = slog.New(slog.NewJSONHandler(io.Discard, nil))
	})
	token := s.login("me").str("access_token")
	asService := as("service", serviceSecret)
	all := map[string]*rerun{
		"token":      s.rerun("POST", "/token", form("grant_type", "client_credentials", "scope", "items"), asService),
		"introspect": s.rerun("POST", "/introspect", form("token", token), asService),
		"me":         s.rerun("GET", "/users/me/", nil, bearer(token)),
		"status":     s.rerun("GET", "/status/", nil, bearer(token)),
	}
	for name, c := range all {
		if status := c.again(); status != http.StatusOK {
			t.Fatalf("%s: %d", name, status)
		}
	}
	return all
}

func (s *system) rerun(method, path string, body url.Values, edits ...edit) *rerun {
	c := &rerun{h: s.srv, r: httptest.NewRequest(method, path, nil), body: []byte(body.Encode()), w: discard{header: http.Header{}}}
	if body != nil {
		c.r.Header.Set("Content-Type", formType)
		c.r.ContentLength = int64(len(c.body))
	}
	for _, e := range edits {
		e(c.r)
	}
	return c
}

func BenchmarkRequest(b *testing.B) {
	all := reruns(b)
	for _, name := range []string{"token", "introspect", "me", "status"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if status := all[name].again(); status != http.StatusOK {
					b.Fatal(status)
				}
			}
		})
	}
}
