package scopes_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"github.com/grantd/grantd/scopes"
)

// whoami answers with the subject that Require found.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	claims, ok := scopes.FromContext(r.Context())
	if !ok {
		panic("no claims in the context")
	}
	_, _ = io.WriteString(w, claims.Subject)
})

func newGuard(t testing.TB, o scopes.VerifierOptions) *scopes.Guard {
	return &scopes.Guard{Verifier: newVerifier(t, o), Realm: "api", ResourceMetadata: metadata}
}

// serve runs a real server with three routes of one guard.
func serve(t *testing.T, guard *scopes.Guard) string {
	routes := http.NewServeMux()
	routes.Handle("/items", guard.Require("me", "items", "me")(whoami))
	routes.Handle("/write", guard.Require("me", "items:write")(whoami))
	routes.Handle("/status", guard.Require()(whoami))
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	return server.URL
}

func get(t *testing.T, url string, authorization ...string) (*http.Response, string) {
	t.Helper()
	req := must(http.NewRequest(http.MethodGet, url, nil))
	req.Header["Authorization"] = authorization
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp, string(must(io.ReadAll(resp.Body)))
}

func TestGuard(t *testing.T) {
	const rest = `scope="me items", resource_metadata="` + metadata + `"`
	url := serve(t, newGuard(t, options()))
	good, narrow := mint(es256), mint(es256, claim("scope", "items"))

	for _, c := range []struct {
		name, path    string
		authorization []string
		status        int
		challenge     string
		code          string // error of the body
		text          string // a part of error_description, or the whole body of a 200
	}{
		{"6750-2.1 valid token", "/items", []string{"Bearer " + good}, 200, "", "", "u-1"},
		{"9110-11.1 scheme in lower case", "/items", []string{"bearer " + good}, 200, "", "", "u-1"},
		{"any valid token will do", "/status", []string{"Bearer " + mint(es256, noClaim("scope"))}, 200, "", "", "u-1"},

		{"6750-3.1 no credentials", "/items", nil, 401, `Bearer realm="api", ` + rest, "invalid_token", "no access token was sent"},
		{"6750-3.1 no credentials, no scope needed", "/status", nil, 401, `Bearer realm="api", resource_metadata="` + metadata + `"`, "invalid_token", "no access token was sent"},
		{"6750-3.1 another scheme", "/items", []string{"Basic dTpw"}, 401, `Bearer realm="api", ` + rest, "invalid_token", "no access token was sent"},
		{"6750-2.3 token in the query is never read", "/items?access_token=" + good, nil, 401, `Bearer realm="api", ` + rest, "invalid_token", "no access token was sent"},
		{"6750-3.1 token expired", "/items", []string{"Bearer " + mint(es256, claim("exp", 1))}, 401,
			`Bearer realm="api", error="invalid_token", error_description="the token expired at 1970-01-01T00:00:01Z; get a new one", ` + rest, "invalid_token", "expired"},
		{"6750-3.1 wrong issuer", "/items", []string{"Bearer " + mint(es256, claim("iss", "x"))}, 401,
			`Bearer realm="api", error="invalid_token", error_description="the token is from the issuer 'x'; this service accepts those of '` + issuer + `'", ` + rest, "invalid_token", "from the issuer 'x'"},
		{"6750-3.1 not a JWT", "/items", []string{"Bearer x"}, 401,
			`Bearer realm="api", error="invalid_token", error_description="the token is not a JWT; send the access token unchanged", ` + rest, "invalid_token", "not a JWT"},
		{"6750-3.1 one scope lacks, all are named", "/items", []string{"Bearer " + narrow}, 403,
			`Bearer realm="api", error="insufficient_scope", error_description="the token lacks the scope me; ask for it when you get a token", ` + rest, "insufficient_scope", "lacks the scope me;"},
		{"6750-3.1 items does not give items:write", "/write", []string{"Bearer " + good}, 403,
			`Bearer realm="api", error="insufficient_scope", error_description="the token lacks the scope items:write; ask for it when you get a token", scope="me items:write", resource_metadata="` + metadata + `"`, "insufficient_scope", "items:write"},
		{"6750-3.1 header twice", "/items", []string{"Bearer " + good, "Bearer " + good}, 400,
			`Bearer realm="api", error="invalid_request", error_description="the Authorization header is there twice; send it once", ` + rest, "invalid_request", "twice"},
		{"6750-3.1 header malformed", "/items", []string{"Bearer " + good + ", Bearer " + good}, 400,
			`Bearer realm="api", error="invalid_request", error_description="the Authorization header is malformed; send Bearer, a space and one access token", ` + rest, "invalid_request", "malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := get(t, url+c.path, c.authorization...)
			if resp.StatusCode != c.status || resp.Header.Get("WWW-Authenticate") != c.challenge {
				t.Fatalf("%d %s\nwant %d %s", resp.StatusCode, resp.Header.Get("WWW-Authenticate"), c.status, c.challenge)
			}
			if c.status == http.StatusOK {
				if body != c.text {
					t.Fatalf("body %q", body)
				}
				return
			}
			wantRefusal(t, resp, body, c.code, c.text)
		})
	}
}

// wantRefusal checks what contract and RFC 6750 §5.3 ask of every refusal.
func wantRefusal(t *testing.T, resp *http.Response, body, code, text string) {
	t.Helper()
	var members map[string]string
	if err := json.Unmarshal([]byte(body), &members); err != nil {
		t.Fatalf("%v: %q", err, body)
	}
	if len(members) != 2 || members["error"] != code || !strings.Contains(members["error_description"], text) {
		t.Fatalf("body %s, want %s and %q", body, code, text)
	}
	if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("header %v", resp.Header)
	}
}

func TestGuardKeysUnavailable(t *testing.T) {
	o := options()
	o.Keys = keysDown{errors.New("dial tcp 10.0.0.7: connection refused")}
	guard := newGuard(t, o)
	var heard *scopes.Error
	guard.Refused = func(_ *http.Request, e *scopes.Error) { heard = e }

	resp, body := get(t, serve(t, guard)+"/items", "Bearer "+mint(es256))
	wantRefusal(t, resp, body, "temporarily_unavailable", "try again later")
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || resp.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if strings.Contains(body, "10.0.0.7") || heard == nil || !strings.Contains(heard.Error(), "10.0.0.7") {
		t.Errorf("the cause is for Refused, not for the client: %s, %v", body, heard)
	}
}

// Fail closed: a token that may be revoked opens nothing.
func TestGuardRevocationsUnavailable(t *testing.T) {
	o := options()
	o.Revoked = func(context.Context, *scopes.Claims) (bool, error) { return false, errors.New("feed is stale") }
	resp, body := get(t, serve(t, newGuard(t, o))+"/items", "Bearer "+mint(es256))
	wantRefusal(t, resp, body, "temporarily_unavailable", "try again")
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || resp.Header.Get("WWW-Authenticate") != "" || strings.Contains(body, "stale") {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
}

func TestGuardRevoked(t *testing.T) {
	o := options()
	o.Revoked = func(context.Context, *scopes.Claims) (bool, error) { return true, nil }
	resp, body := get(t, serve(t, newGuard(t, o))+"/status", "Bearer "+mint(es256))
	if wantRefusal(t, resp, body, "invalid_token", "revoked"); resp.StatusCode != 401 {
		t.Errorf("6750-3.1 revoked: %d", resp.StatusCode)
	}
}

func TestGuardRealmIsTheAudience(t *testing.T) {
	guard := &scopes.Guard{Verifier: newVerifier(t, options())}
	w := httptest.NewRecorder()
	guard.Require("me")(whoami).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if got, want := w.Header().Get("WWW-Authenticate"), `Bearer realm="`+audience+`", scope="me"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRequirePanics(t *testing.T) {
	good := newGuard(t, options())
	for _, c := range []struct {
		name  string
		guard *scopes.Guard
		names []string
	}{
		{"6749-3.3 two names in one", good, []string{"me items"}},
		{"6749-3.3 empty name", good, []string{"me", ""}},
		{"no verifier", &scopes.Guard{}, []string{"me"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "scopes: ") {
					t.Errorf("panic %q", text)
				}
			}()
			c.guard.Require(c.names...)
		})
	}
}

func TestRequireInMux(t *testing.T) {
	router := mux.NewRouter()
	router.Use(newGuard(t, options()).Require("me"))
	router.Handle("/users/{name}", whoami)
	server := httptest.NewServer(router)
	defer server.Close()

	if resp, body := get(t, server.URL+"/users/me", "Bearer "+mint(es256)); resp.StatusCode != 200 || body != "u-1" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := get(t, server.URL+"/users/me"); resp.StatusCode != 401 {
		t.Errorf("without a token: %d", resp.StatusCode)
	}
}

// A form may carry access_token too (RFC 6750 §2.2); the body is the handler's, so the guard leaves it alone.
func TestGuardLeavesTheBodyAlone(t *testing.T) {
	token := mint(es256)
	var form url.Values
	handler := newGuard(t, options()).Require("me")(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		must(0, r.ParseForm())
		form = r.PostForm
	}))
	for _, authorization := range []string{"", "Bearer " + token} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("access_token="+token))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if accepted := w.Code == 200; accepted != (authorization != "") || accepted != form.Has("access_token") {
			t.Errorf("6750-2.2 %q: %d %v", authorization, w.Code, form)
		}
	}
}

// What a handler refuses is told as what the guard refuses.
func TestRefuse(t *testing.T) {
	gone := &scopes.Error{Kind: scopes.Revoked, Description: "gone"}
	refuse := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { scopes.Refuse(w, r, gone) })
	guard := newGuard(t, options())
	var heard []*scopes.Error
	guard.Refused = func(_ *http.Request, e *scopes.Error) { heard = append(heard, e) }
	behind := httptest.NewServer(guard.Require("me", "items")(refuse))
	defer behind.Close()
	resp, body := get(t, behind.URL, "Bearer "+mint(es256))
	wantRefusal(t, resp, body, "invalid_token", "gone")
	const want = `Bearer realm="api", error="invalid_token", error_description="gone", scope="me items", resource_metadata="` + metadata + `"`
	if got := resp.Header.Get("WWW-Authenticate"); resp.StatusCode != 401 || got != want || len(heard) != 1 || heard[0] != gone {
		t.Errorf("%d %s, heard of %v", resp.StatusCode, got, heard)
	}

	alone := httptest.NewServer(refuse) // no guard in front, so no route to tell of
	defer alone.Close()
	resp, _ = get(t, alone.URL)
	if got := resp.Header.Get("WWW-Authenticate"); resp.StatusCode != 401 || got != `Bearer error="invalid_token", error_description="gone"` {
		t.Errorf("%d %s", resp.StatusCode, got)
	}
}

func TestNewContext(t *testing.T) {
	if _, ok := scopes.FromContext(context.Background()); ok {
		t.Error("claims out of nothing")
	}
	ctx := scopes.NewContext(context.Background(), &scopes.Claims{Subject: "u-2", ExpiresAt: time.Time{}})
	if claims, ok := scopes.FromContext(ctx); !ok || claims.Subject != "u-2" {
		t.Errorf("%+v", claims)
	}
}

func BenchmarkRequire(b *testing.B) {
	handler := newGuard(b, options()).Require("me")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for name, authorization := range map[string]string{"valid": "Bearer " + mint(es256), "missing": "Basic dTpw"} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", authorization)
			w := discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				handler.ServeHTTP(w, r)
			}
		})
	}
}

// discard is a ResponseWriter for benchmarks.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
