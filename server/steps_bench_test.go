package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
)

func BenchmarkAuthenticateClient(b *testing.B) {
	s := newSystem(b)
	b.Run("basic", func(b *testing.B) {
		r, given := httptest.NewRequest("POST", "/token", nil), form("grant_type", "client_credentials")
		as("service", serviceSecret)(r)
		benchmarkClient(b, s, r, "service", given)
	})
	b.Run("public", func(b *testing.B) {
		benchmarkClient(b, s, httptest.NewRequest("POST", "/token", nil), "app", form("client_id", "app"))
	})
}

func benchmarkClient(b *testing.B, s *system, r *http.Request, want string, given map[string][]string) {
	b.ReportAllocs()
	for b.Loop() {
		if id, err := s.srv.AuthenticateClient(r, given); err != nil || id != want {
			b.Fatal(id, err)
		}
	}
}

func BenchmarkReply(b *testing.B) {
	given := map[string]any{
		"access_token": strings.Repeat("x", 700), "expires_in": int64(900), "refresh_token": strings.Repeat("x", 500), "scope": "me items", "token_type": "Bearer",
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := server.WriteMembers(given); err != nil {
			b.Fatal(err)
		}
	}
}

// What the frame around a route costs: the id, the context, and the line of the log.
func BenchmarkLogRequest(b *testing.B) {
	proxy := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // where httptest says that requests come from
	for name, proxies := range map[string][]netip.Prefix{"direct": nil, "behind a proxy": proxy} {
		b.Run(name, func(b *testing.B) {
			s := newSystem(b, func(o *server.Options) {
				o.Log, o.TrustedProxies = slog.New(slog.NewJSONHandler(io.Discard, nil)), proxies
			})
			h := s.srv.Observed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
			r, w := httptest.NewRequest("GET", "/", nil), discard{header: http.Header{}}
			header("X-Forwarded-For", "203.0.113.9")(r)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(&w, r)
			}
		})
	}
}
