package demoapp

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func newApp(t *testing.T, issuer string) *App {
	t.Helper()
	return newAppAt(t, issuer, "http://localhost:8002")
}

func newAppAt(t *testing.T, issuer, url string) *App {
	t.Helper()
	a, err := New(Options{Issuer: issuer, URL: url, ClientID: "demo-app", ClientSecret: "x", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func answer(a *App, method, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(""))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Result()
}

// A server that is no OpenID Connect provider, or not there, is told to people, and asked again.
func TestIssuerThatCannotBeFound(t *testing.T) {
	asked := 0
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.NotFound(w, r)
	}))
	defer issuer.Close()
	a := newApp(t, issuer.URL)
	for range 2 {
		r := httptest.NewRequest("POST", "/login", nil)
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "cannot find out how to sign people in") || !strings.Contains(w.Body.String(), "404") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestPagesRunNothing(t *testing.T) {
	res := answer(newApp(t, "http://127.0.0.1:8000"), "GET", "http://localhost:8002/")
	policy := res.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") || !strings.Contains(policy, "frame-ancestors 'none'") ||
		!strings.HasSuffix(policy, "form-action 'self' http://127.0.0.1:8000") || strings.Contains(policy, "script") {
		t.Errorf("policy %q", policy)
	}
	if res.Header.Get("Referrer-Policy") != "no-referrer" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", res.Header)
	}
}

// By another name of the machine the sign-in would begin without the cookie that ends it.
func TestOtherNamesLeadToTheApp(t *testing.T) {
	a := newApp(t, "http://127.0.0.1:1")
	for target, want := range map[string]string{
		"http://127.0.0.1:8002/":              "http://localhost:8002/",
		"http://127.0.0.1:8002/callback?a=b":  "http://localhost:8002/callback?a=b",
		"http://evil.example//other.example/": "http://localhost:8002//other.example/",
		"http://localhost:8002/":              "",
	} {
		if got := answer(a, "GET", target).Header.Get("Location"); got != want {
			t.Errorf("%s leads to %q, want %q", target, got, want)
		}
	}
	if got := answer(newAppAt(t, "http://127.0.0.1:1", "http://localhost:80"), "GET", "http://localhost/"); got.StatusCode != http.StatusOK {
		t.Errorf("on the port that browsers leave out: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
}

func TestFormsOfOtherSites(t *testing.T) {
	a := newApp(t, "http://127.0.0.1:1")
	for _, path := range []string{"/login", "/items", "/items/add", "/refresh", "/logout"} {
		if res := answer(a, "POST", path, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func TestNobodyIsSignedIn(t *testing.T) {
	a := newApp(t, "http://127.0.0.1:1")
	for _, path := range []string{"/items", "/items/add", "/refresh", "/logout"} {
		res := answer(a, "POST", path, "Cookie", "demo_app_8002=planted")
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "http://localhost:8002/" || len(res.Cookies()) != 0 {
			t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
	}
}

// What comes back from the outside is shown as text, and not at length.
func TestRefusalsAreText(t *testing.T) {
	if got := refusal("server_error", strings.Repeat("x", 1000), false); len(got) > 400 {
		t.Errorf("%d bytes", len(got))
	}
	a := newApp(t, "http://127.0.0.1:1")
	s := a.sessions.add()
	s.notice = refusal("<script>", `"><img src=x>`, true)
	r := httptest.NewRequest("GET", "http://localhost:8002/", nil)
	r.AddCookie(&http.Cookie{Name: a.cookie, Value: s.id})
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if body := w.Body.String(); strings.Contains(body, "<script>") || strings.Contains(body, "<img") || !strings.Contains(body, "&lt;script&gt;") {
		t.Error(body)
	}
}

func TestClaims(t *testing.T) {
	got := claimsOf(map[string]any{"sub": "x", "iat": 1e9, "aud": []any{"a", "b"}, "email_verified": false})
	want := []claim{{"aud", `["a","b"]`}, {"email_verified", "false"}, {"iat", "1000000000 (Sun, 09 Sep 2001 01:46:40 UTC)"}, {"sub", "x"}}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, want %v", got[i], want[i])
		}
	}
	for _, jwt := range []string{"", "a.b", "a.!.c", "a.bm90IGpzb24.c"} {
		if payload(jwt) != nil {
			t.Errorf("%q has claims", jwt)
		}
	}
}
