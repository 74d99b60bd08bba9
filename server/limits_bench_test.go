package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"

	"github.com/grantd/grantd/server"
)

// BenchmarkGuess is what a guess costs that a storm of them makes a server refuse, each from another
// of 10,000 addresses: no hash, and no database, which is closed.
func BenchmarkGuess(b *testing.B) {
	for name, c := range map[string]struct {
		status int
		until  func(s *system) // it is refused
	}{
		"limited": {http.StatusTooManyRequests, func(s *system) { s.guesses("198.51.100.1", "ann", 31) }},
		"busy":    {http.StatusServiceUnavailable, func(s *system) { b.Cleanup(s.srv.FillHashQueueWithStrangers()) }},
	} {
		b.Run(name, func(b *testing.B) {
			s, _ := limited(b, func(o *server.Options) {
				o.Log = slog.New(slog.NewJSONHandler(io.Discard, nil))
				o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} // of whoever httptest says it is
			})
			s.guess("192.0.2.1", "bob", password).wantOK(b) // the client is known from now on
			c.until(s)
			s.srv.SetHashTime(0)
			s.db.Close()
			one := s.rerun("POST", "/token", form("grant_type", "password", "client_id", "app", "username", "ann", "password", "a wrong password"))
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				n++
				one.r.Header["X-Forwarded-For"] = []string{fmt.Sprintf("10.77.%d.%d", n/100%100, n%100)}
				if status := one.again(); status != c.status {
					b.Fatal(status)
				}
			}
		})
	}
}
