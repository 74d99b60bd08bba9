package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
)

// nearMisses are spellings of a path, itself among them, that a router may take for it or not.
func nearMisses(path string) []string {
	last := path[len(path)-1:]
	return []string{
		path, path + "/", path + "//", "/" + path, "/." + path, path + "/.", path + "/..", path + "%2F", path + "%2f", path + "%00", path + "?", path + "?x=1",
		path + "/?x", path + ";x", path + "#x", path + " ", strings.ToUpper(path), "/%" + hexOf(path[1:]), path[:len(path)-1] + "%" + hexOf(last),
		strings.Replace(path[1:], "/", "%2F", 1), "/x" + path, path + "x", strings.TrimSuffix(path, last), "http://other.example" + path, "*",
	}
}

// hexOf encodes the first character: oken of "token" stays.
func hexOf(s string) string {
	if s == "" {
		return "2F"
	}
	const digits = "0123456789abcdef"
	return string([]byte{digits[s[0]>>4], digits[s[0]&15]}) + s[1:]
}

// answer is all that a handler says to a request, but for what it makes up for each.
func answer(h http.Handler, method string, u *url.URL, edits ...edit) string {
	r := httptest.NewRequest(method, "/", nil)
	r.URL = u
	for _, e := range edits {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	id := res.Header.Get("X-Request-Id")
	res.Header.Del("X-Request-Id")
	var text strings.Builder
	text.WriteString(res.Status + "\n")
	_ = res.Header.Write(&text)
	_, _ = io.Copy(&text, res.Body)
	return strings.ReplaceAll(text.String(), id, "ID")
}

// What the router has at a path is remembered: the answers must be those of a router
// that walks its routes each time.
func TestRememberedRoutes(t *testing.T) {
	for _, prefix := range []string{"", "/auth/one"} {
		s := newSystem(t, func(o *server.Options) { o.Issuer += prefix })
		walked, served := s.srv.Walked(), 0
		paths := map[string]bool{}
		for _, target := range s.srv.Remembered() {
			paths[target[1]] = true
		}
		for p := range paths {
			for _, path := range nearMisses(p) {
				u, err := url.ParseRequestURI(path)
				if err != nil {
					continue // net/http answers by itself
				}
				for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "get"} {
					edits := []edit{header("Origin", "https://app.example"), header("Accept", "text/html")}
					got, want := answer(s.srv, method, u, edits...), answer(walked, method, u, edits...)
					if got != want {
						t.Fatalf("%s %s is answered\n%s\nnot\n%s", method, path, got, want)
					}
					if !strings.HasPrefix(got, "404") && !strings.HasPrefix(got, "405") {
						served++
					}
				}
			}
		}
		if served == 0 {
			t.Error("nothing was served")
		}
	}
}

// All URLs are remembered, with their slash and without, or a table that grows would be
// walked for those that are not.
func TestAllRoutesAreRemembered(t *testing.T) {
	s := newSystem(t)
	remembered := map[[2]string]bool{}
	for _, target := range s.srv.Remembered() {
		remembered[target] = true
	}
	for route := range s.srv.RouteTable() {
		method, path, _ := strings.Cut(route, " ")
		bare := strings.TrimSuffix(path, "/")
		for _, p := range []string{bare, bare + "/"} {
			if p != "" && !remembered[[2]string{method, p}] || method == "GET" && p != "" && !remembered[[2]string{"HEAD", p}] {
				t.Errorf("%s %s is not remembered", method, p)
			}
		}
	}
}

func BenchmarkRoute(b *testing.B) {
	s := newSystem(b)
	u, w := &url.URL{Path: "/assets/icon.svg"}, discard{header: http.Header{}}
	for name, h := range map[string]http.Handler{"remembered": s.srv, "walked": s.srv.Walked()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := httptest.NewRequest("GET", "/", nil)
			r.URL = u
			for b.Loop() {
				h.ServeHTTP(&w, r)
			}
		})
	}
}
