package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// suffer examines a server that means ill. It must end in time, with a result for each point and few requests.
func suffer(t *testing.T, handler http.HandlerFunc, change func(o *Options)) map[string]Result {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.CloseClientConnections)
	o := Options{
		Issuer: s.URL, Client: Client{ID: "app"}, Other: Client{ID: "other"}, RedirectURI: modelRedirect, User: modelUser, Password: modelPassword,
		Requests: 100, Patience: 2 * time.Second, Timeout: 20 * time.Second,
	}
	if change != nil {
		change(&o)
	}
	began := time.Now()
	all := results(t, o, points)
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	text, err := json.Marshal(all)
	if err != nil || strings.Contains(string(text), modelPassword) || len(text) > len(points)*1000 {
		t.Errorf("%d bytes of evidence, %v", len(text), err)
	}
	return all
}

// describe answers with metadata whose endpoints are all here, and everything else by h.
func describe(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/.well-known/") {
			h(w, r)
			return
		}
		at := "http://" + r.Host
		reply200(w, "application/json", map[string]any{
			"issuer": at, "authorization_endpoint": at + "/authorize", "token_endpoint": at + "/token", "revocation_endpoint": at + "/revoke",
			"introspection_endpoint": at + "/introspect", "userinfo_endpoint": at + "/userinfo", "jwks_uri": at + "/jwks", "response_types_supported": []string{"code"},
			"grant_types_supported": []string{"authorization_code", "refresh_token"},
		})
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	for {
		if _, err := w.Write([]byte(strings.Repeat("{", 4096))); err != nil {
			return
		}
	}
}

func TestHostileServers(t *testing.T) {
	t.Parallel()
	bombs := map[string]string{
		"deep":       strings.Repeat("<form><div>", 90_000),
		"fields":     "<form method=post>" + strings.Repeat("<input name=a type=text>", 40_000) + "<input type=password name=p>",
		"one tag":    "<form method=post action='" + strings.Repeat("a", 900_000) + "'><input type=password name=p><button>",
		"forms":      strings.Repeat("<form method=post><button>allow</button></form>", 20_000),
		"text":       "<form method=post><input type=password name=p><button>" + strings.Repeat("allow ", 150_000),
		"unfinished": "<form method=post><input type=password name=",
	}
	for name, handler := range map[string]http.HandlerFunc{
		"endless everywhere": endless,
		"endless answers":    describe(endless),
		"garbage": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"issuer":5,"token_endpoint":{"a":[]},"authorization_endpoint":"::","grant_types_supported":"x","jwks_uri":"file:///etc/passwd","keys":[1,null,"a",{}]}`)
		},
		"wrong types": describe(func(w http.ResponseWriter, _ *http.Request) {
			reply200(w, "application/json", map[string]any{"access_token": 5, "error": []int{1}, "expires_in": -1e300, "keys": []any{nil, 5, map[string]any{"kty": 5}}})
		}),
		"deep JSON": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(`{"a":[`, 100_000)) },
		"circles": describe(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"?again=1", http.StatusFound)
		}),
		"page after page": describe(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<form method=post action=/on><button>Continue</button></form>`)
		}),
		"many headers": describe(func(w http.ResponseWriter, _ *http.Request) {
			for i := range 5000 {
				w.Header().Add("X-Long", strings.Repeat("x", 100)+fmt.Sprint(i))
			}
		}),
		"hangs up": describe(func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }),
		"busy": describe(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusTooManyRequests)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			suffer(t, handler, nil)
		})
	}
	for name, page := range bombs {
		t.Run("page of "+name, func(t *testing.T) {
			t.Parallel()
			suffer(t, describe(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				io.WriteString(w, page)
			}), nil)
		})
	}
}

// A server that never answers costs the time that is given, and no more.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"everywhere":      func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"after discovery": describe(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
		"within a body": describe(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"error":`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			all := suffer(t, handler, func(o *Options) { o.Patience, o.Timeout = 100*time.Millisecond, time.Second })
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if last := all[points[len(points)-1].id]; last.Outcome != CannotTell {
				t.Errorf("the last point: %+v", last)
			}
		})
	}
}

// Passwords and secrets go to the server that was named, and nobody follows it elsewhere.
func TestNothingGoesElsewhere(t *testing.T) {
	t.Parallel()
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s %s was asked elsewhere", r.Method, r.URL) }))
	t.Cleanup(stranger.Close)
	for name, handler := range map[string]http.HandlerFunc{
		"a form": describe(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<form method=post action="`+stranger.URL+`/take"><input name=u><input name=p type=password><button>Sign in</button></form>`)
		}),
		"a button": describe(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<form method=post><input name=u><input name=p type=password><button formaction="`+stranger.URL+`">Sign in</button></form>`)
		}),
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, stranger.URL, http.StatusTemporaryRedirect)
		},
		"a later redirect": describe(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, stranger.URL, http.StatusTemporaryRedirect)
		}),
	} {
		t.Run(name, func(t *testing.T) { suffer(t, handler, nil) })
	}
}

// Nothing is sent in the clear to another machine, also where the metadata ask for it.
func TestNothingGoesInTheClear(t *testing.T) {
	for _, c := range []struct {
		issuer, target string
		want           bool
	}{
		{"https://a.example", "https://b.example/token", true},
		{"https://a.example", "http://a.example/token", false},
		{"https://a.example", "http://127.0.0.1/token", false},
		{"http://127.0.0.1:8000", "http://localhost:8000/token", true},
		{"http://127.0.0.1:8000", "http://a.example/token", false},
		{"http://a.example", "http://a.example/token", false},
		{"https://a.example", "file:///etc/passwd", false},
		{"https://a.example", "token", false},
	} {
		e, err := newExam(Options{Issuer: c.issuer})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.mayAsk(mustURL(t, c.target)); (err == nil) != c.want {
			t.Errorf("%s at %s: %v", c.target, c.issuer, err)
		}
	}
}

// One answer is bounded in size, a server that is busy for long is left alone, and there are only so many requests.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(describe(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/endless" {
			endless(w, r)
			return
		}
		w.Header().Set("Retry-After", "86400")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	t.Cleanup(s.Close)
	e, err := newExam(Options{Issuer: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/endless": "longer than 1 MiB", "/busy": "too busy"} {
		began := time.Now()
		if _, err := e.get(t.Context(), s.URL+path); err == nil || !strings.Contains(err.Error(), want) || time.Since(began) > 10*time.Second {
			t.Errorf("%s: %v after %v", path, err, time.Since(began))
		}
	}
	m := newModel(t, "")
	o := m.options()
	o.Requests = 40
	report, err := Run(t.Context(), o, func(r Result) {
		if r.Outcome == Fails {
			t.Errorf("%s: %s", r.Point, r.Evidence)
		}
	})
	if err != nil || report.Requests < 40 || report.Requests > 45 || report.Results[len(report.Results)-1].Outcome != CannotTell {
		t.Errorf("%v, %d requests", err, report.Requests)
	}
}

// What the server repeats of a secret is not shown, however it is written.
func TestEvidenceIsClean(t *testing.T) {
	e, err := newExam(Options{Issuer: "http://127.0.0.1", Password: "pass word+1", Client: Client{"app", "client-secret"}})
	if err != nil {
		t.Fatal(err)
	}
	e.keep(&reply{body: []byte(`{"access_token":"the-access-token","refresh_token":"the-refresh-token","id_token":"the-id-token"}`)})
	said := e.clean(fails("a pass word+1 b pass+word%%2B1 c client-secret d the-access-token e the-refresh-token f the-id-token\n g\xff h"))
	if said != "a … b … c … d … e … f … g? h" {
		t.Errorf("%q", said)
	}
	if long := e.clean(fails("%s", strings.Repeat("é", 10_000))); len([]rune(long)) != maxEvidence+1 {
		t.Errorf("%d characters", len([]rune(long)))
	}
}

// A server that is busy for a moment is asked once more.
func TestBusyForAMoment(t *testing.T) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(s.Close)
	e, err := newExam(Options{Issuer: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := e.get(t.Context(), s.URL); err != nil || r.status != http.StatusOK || asked != 2 {
		t.Errorf("%v after %d requests", err, asked)
	}
}
