package scopes_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantd/grantd/scopes"
)

const localIssuer = "http://127.0.0.1"

// followOver runs a test with the keys that a handler serves by real HTTP; the first fetch is over when it starts, or hangs.
func followOver(t *testing.T, handler http.HandlerFunc, o scopes.JWKSOptions, test func(t *testing.T, keys scopes.KeySource)) {
	bubble(t, handler, func(t *testing.T, transport http.RoundTripper) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		o.Transport = transport
		keys := must(scopes.JWKS(ctx, localIssuer+"/jwks.json", o))
		synctest.Wait()
		test(t, keys)
	})
}

// A body of any length costs no more than the bound, whatever its headers say.
func TestFetchLargeAnswers(t *testing.T) {
	const size = 100 << 20
	var bomb bytes.Buffer
	z := must(gzip.NewWriterLevel(&bomb, gzip.BestSpeed))
	zeros := make([]byte, 1<<16)
	for range size / len(zeros) {
		must(z.Write(zeros))
	}
	must(0, z.Close())
	pour := func(w io.Writer) {
		for range size / len(zeros) {
			if _, err := w.Write(zeros); err != nil {
				return
			}
		}
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"of no stated length", func(w http.ResponseWriter, _ *http.Request) { pour(w) }, "more than 1048576 bytes"},
		{"of its true length", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(size))
			pour(w)
		}, "sends 104857600 bytes"},
		{"of a length that is a lie", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			must(conn, err)
			defer conn.Close()
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"))
			pour(conn)
		}, "not JSON"},
		{"that is small until it is decompressed", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}, "more than 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			wantFind(t, must(scopes.JWKS(t.Context(), server.URL, scopes.JWKSOptions{})), "any", c.want)
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 12<<20 {
				t.Errorf("%d bytes were allocated for a bound of 1 MiB", used)
			}
		})
	}
}

func TestFetchGivesUpAfter10Seconds(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"an issuer that never answers": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"an issuer that sends a byte a second": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte(" "))
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Second)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			followOver(t, handler, scopes.JWKSOptions{}, func(t *testing.T, keys scopes.KeySource) {
				start := time.Now()
				wantFind(t, keys, "any", "not answered for 3s") // a request does not wait as long as the fetch
				if waited := time.Since(start); waited != 3*time.Second {
					t.Errorf("waited %v", waited)
				}
				time.Sleep(8 * time.Second)
				start = time.Now()
				wantFind(t, keys, "any", "deadline exceeded")
				if waited := time.Since(start); waited != 0 {
					t.Errorf("waited %v for what had just failed", waited)
				}
			})
		})
	}
}

func TestFetchAsksWhetherTheDocumentChanged(t *testing.T) {
	for _, c := range []struct{ name, tag, want string }{
		{"9110-13.1.2 strong", `"abc"`, `"abc"`},
		{"9110-13.1.2 weak", `W/"abc"`, `W/"abc"`},
		{"9110-13.1.2 none", "", ""},
		{"9110-8.8.3 without quotes", "abc", ""},
		{"9110-8.8.3 half quoted", `"abc`, ""},
		{"9110-8.8.3 one quote", `"`, ""},
		{"9110-8.8.3 space", `"a c"`, ""},
		{"9110-8.8.3 endless", `"` + strings.Repeat("a", 300) + `"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			handler := func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.Header.Get("If-None-Match"))
				w.Header()["ETag"] = []string{c.tag}
				if c.want != "" && asked[len(asked)-1] == c.want {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				_, _ = w.Write(jwks(jwk(es256)))
			}
			followOver(t, handler, scopes.JWKSOptions{}, func(t *testing.T, keys scopes.KeySource) {
				time.Sleep(11 * time.Minute)
				synctest.Wait()
				if len(asked) < 3 || asked[0] != "" || asked[1] != c.want || asked[2] != c.want {
					t.Fatalf("If-None-Match was %q", asked)
				}
				wantFind(t, keys, es256.ID, "found")
				wantFind(t, keys, "made up", "unknown") // an answer of 304 is no fault
			})
		})
	}
}

// 304 answers a question that was not asked.
func TestFetchNothingToCompareWith(t *testing.T) {
	followOver(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, scopes.JWKSOptions{},
		func(t *testing.T, keys scopes.KeySource) { wantFind(t, keys, "any", "304 Not Modified") })
}

// What an issuer sends is in no error, but for a short piece.
func TestFetchErrorsAreShort(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		must(conn, err)
		defer conn.Close()
		_, _ = conn.Write([]byte("HTTP/1.1 " + strings.Repeat("x", 100_000) + "\r\n\r\n"))
	}))
	defer server.Close()
	if text := find(must(scopes.JWKS(t.Context(), server.URL, scopes.JWKSOptions{})), "any"); len(text) > 400 || !strings.Contains(text, server.URL) {
		t.Errorf("%d bytes: %.500s", len(text), text)
	}
}

func TestFetchInterval(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers []string
		want    time.Duration
	}{
		{"9111-5.2.2.1 max-age", []string{"Cache-Control", "public, max-age=200"}, 160 * time.Second},
		{"9111-5.2.2.1 longer than Refresh", []string{"Cache-Control", "max-age=86400"}, 5 * time.Minute},
		{"9111-5.2.2.1 quoted, capitals", []string{"Cache-Control", `Max-Age="200"`}, 160 * time.Second},
		{"9111-5.2.2.1 short", []string{"Cache-Control", "max-age=1"}, time.Minute},
		{"9111-5.2.2.4 no-cache", []string{"Cache-Control", "no-cache"}, time.Minute},
		{"9111-5.2.2.5 no-store", []string{"Cache-Control", "max-age=600, no-store"}, time.Minute},
		{"9111-4.2.1 no number", []string{"Cache-Control", "max-age=soon"}, time.Minute},
		{"9111-4.2.1 twice", []string{"Cache-Control", "max-age=250, max-age=200"}, 160 * time.Second},
		{"9111-4.2.3 age", []string{"Cache-Control", "max-age=300", "Age", "100"}, 160 * time.Second},
		{"9111-4.2.3 older than max-age", []string{"Cache-Control", "max-age=300", "Age", "301"}, time.Minute},
		{"9111-1.2.2 larger than anything", []string{"Cache-Control", "max-age=99999999999999999999"}, 5 * time.Minute},
		{"nothing said", nil, 5 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			var fetches atomic.Int32
			handler := func(w http.ResponseWriter, _ *http.Request) {
				fetches.Add(1)
				for i := 0; i < len(c.headers); i += 2 {
					w.Header().Set(c.headers[i], c.headers[i+1])
				}
				_, _ = w.Write(jwks(jwk(es256)))
			}
			followOver(t, handler, scopes.JWKSOptions{}, func(t *testing.T, _ scopes.KeySource) {
				time.Sleep(c.want * 89 / 100)
				if n := fetches.Load(); n != 1 {
					t.Fatalf("%d fetches before nine tenths of %v", n, c.want)
				}
				time.Sleep(c.want * 12 / 100)
				if n := fetches.Load(); n != 2 {
					t.Fatalf("%d fetches after %v", n, c.want)
				}
			})
		})
	}
}

// A fleet that starts together does not ask together.
func TestFetchTimesDiffer(t *testing.T) {
	times := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			p := &publisher{}
			start, first := time.Now(), true
			p.set(func(w http.ResponseWriter, _ *http.Request) {
				if !first {
					times[time.Since(start)] = true
				}
				first = false
				_, _ = w.Write(jwks(jwk(es256)))
			})
			ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
			defer cancel()
			must(scopes.JWKS(ctx, issuer, scopes.JWKSOptions{Transport: p}))
			<-ctx.Done()
		})
	}
	if len(times) < 15 {
		t.Errorf("20 services asked again at %d times: %v", len(times), times)
	}
}
