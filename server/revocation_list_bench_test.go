package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// What it costs to make a list and sign it, and to tell a service that it has the last one.
func BenchmarkRevocationList(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		s := newSystem(b)
		s.srv.RevokeMany(n)
		b.Run(fmt.Sprintf("make/entries=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			length := 0
			for b.Loop() {
				var err error
				if length, err = s.srv.MakeList(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(length), "bytes/list")
		})
		first := s.get("/revocations")
		b.Run(fmt.Sprintf("304/entries=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("GET", "/revocations", nil)
				r.Header.Set("If-None-Match", first.Header.Get("ETag"))
				w := httptest.NewRecorder()
				if s.srv.ServeHTTP(w, r); w.Code != http.StatusNotModified {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
