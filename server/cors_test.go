package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

const spaOrigin = "https://spa.example"

func newCORSSystem(t *testing.T, change ...func(*server.Options)) *system {
	s := newSystem(t, change...)
	grants := []string{"password", "refresh_token"}
	s.addClient(store.Client{ID: "spa", Kind: store.SinglePageClient, Grants: grants, Scopes: []string{"openid", "me"}, Origins: []string{spaOrigin, "http://localhost:5173", "null"}})
	s.addClient(store.Client{ID: "spa2", Kind: store.SinglePageClient, Grants: grants, Scopes: []string{"openid"}, Origins: []string{"https://spa2.example"}})
	return s
}

func origin(o string) edit { return header("Origin", o) }

// wantOrigin checks who may read an answer, "" being nobody. Nobody ever reads it with our cookies.
func (r reply) wantOrigin(t *testing.T, want string) {
	t.Helper()
	if got := r.Header.Get("Access-Control-Allow-Origin"); got != want {
		t.Errorf("%s %s: Access-Control-Allow-Origin %q, want %q", r.Request.Method, r.Request.URL.Path, got, want)
	}
	if got := r.Header.Get("Access-Control-Allow-Credentials"); got != "" {
		t.Errorf("Access-Control-Allow-Credentials %q", got)
	}
	if want != "*" && !strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Origin") {
		t.Errorf("%s: Vary %q", r.Request.URL.Path, r.Header.Values("Vary"))
	}
}

func TestCORS(t *testing.T) {
	s := newCORSSystem(t)
	userinfo := func(client, from string) reply {
		return s.get("/userinfo", bearer(s.access("u-ann", client, s.opts.Issuer, "openid")), origin(from))
	}
	for _, c := range []struct {
		name string
		send func(from string) reply
	}{
		{"POST /token", func(from string) reply { return s.post("/token", asAnn("client_id", "spa"), origin(from)) }},
		{"POST /token, refused", func(from string) reply { return s.post("/token", form("client_id", "spa"), origin(from)) }},
		{"POST /revoke", func(from string) reply {
			return s.post("/revoke", form("client_id", "spa", "token", "x"), origin(from))
		}},
		{"GET /userinfo", func(from string) reply { return userinfo("spa", from) }},
		{"GET /userinfo, refused", func(from string) reply { return s.get("/userinfo", origin(from)) }},
		{"GET metadata", func(from string) reply { return s.get("/.well-known/openid-configuration", origin(from)) }},
		{"GET metadata of RFC 8414", func(from string) reply { return s.get("/.well-known/oauth-authorization-server", origin(from)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.send(spaOrigin).wantOrigin(t, spaOrigin)
			c.send("http://localhost:5173").wantOrigin(t, "http://localhost:5173")
			for _, stranger := range []string{
				"https://evil.example", "null", "", "https://spa.example.evil.example", "http://spa.example", "https://spa.example:444",
				"https://SPA.example", "https://spa.example/", "https://x.spa.example", "*", spaOrigin + " https://evil.example", "https://" + strings.Repeat("a", 10000),
			} {
				c.send(stranger).wantOrigin(t, "")
			}
		})
	}
	t.Run("of another app", func(t *testing.T) {
		s.post("/token", asAnn("client_id", "spa2"), origin(spaOrigin)).wantOrigin(t, "")
		s.post("/token", asAnn("client_id", "app"), origin(spaOrigin)).wantOrigin(t, "")
		s.post("/revoke", form("client_id", "spa2", "token", "x"), origin(spaOrigin)).wantOrigin(t, "")
		userinfo("spa2", spaOrigin).wantOrigin(t, "")
		userinfo("spa2", "https://spa2.example").wantOrigin(t, "https://spa2.example")
	})
	t.Run("scripts read why they are refused", func(t *testing.T) {
		if got := s.get("/userinfo", origin(spaOrigin)).Header.Get("Access-Control-Expose-Headers"); !strings.Contains(got, "WWW-Authenticate") {
			t.Errorf("Access-Control-Expose-Headers %q", got)
		}
	})
	t.Run("Origin twice", func(t *testing.T) {
		s.get("/userinfo", origin(spaOrigin), origin(spaOrigin)).wantOrigin(t, "")
	})
}

func TestPreflight(t *testing.T) {
	for _, prefix := range []string{"", "/auth"} {
		s := newCORSSystem(t, func(o *server.Options) { o.Issuer += prefix })
		preflight := func(path, from string) reply {
			return s.send("OPTIONS", path, "", origin(from), header("Access-Control-Request-Method", "POST"), header("Access-Control-Request-Headers", "authorization,dpop"))
		}
		shared := map[string]string{
			prefix + "/token": "POST", prefix + "/token/": "POST", prefix + "/revoke": "POST", prefix + "/userinfo": "GET, HEAD, POST",
			prefix + "/.well-known/openid-configuration": "GET, HEAD", "/.well-known/oauth-authorization-server" + prefix: "GET, HEAD",
			"/.well-known/openid-configuration" + prefix: "GET, HEAD",
		}
		for path, methods := range shared {
			t.Run(path, func(t *testing.T) {
				res := preflight(path, spaOrigin)
				res.wantOrigin(t, spaOrigin)
				for name, want := range map[string]string{
					"Access-Control-Allow-Methods": methods, "Access-Control-Allow-Headers": "Authorization, Content-Type", "Access-Control-Max-Age": "600",
				} {
					if got := res.Header.Get(name); got != want {
						t.Errorf("%s %q, want %q", name, got, want)
					}
				}
				if res.StatusCode != http.StatusNoContent || res.body != "" || res.Header.Get("Allow") != methods+", OPTIONS" {
					t.Errorf("%d %q, Allow %q", res.StatusCode, res.body, res.Header.Get("Allow"))
				}
				stranger := preflight(path, "https://evil.example")
				stranger.wantOrigin(t, "")
				if stranger.StatusCode != http.StatusNoContent || stranger.Header.Get("Access-Control-Allow-Methods") != "" {
					t.Errorf("%d %v", stranger.StatusCode, stranger.Header)
				}
			})
		}
		for _, path := range []string{"/logout", "/refresh", "/introspect", "/users/me/"} {
			t.Run("9110-15.5.6 "+prefix+path, func(t *testing.T) {
				res := preflight(prefix+path, spaOrigin)
				if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%d %v", res.StatusCode, res.Header)
				}
			})
		}
	}
}

// No page, and nothing that a page asks for, is for scripts of other origins; documents without secrets are for all.
func TestCORSElsewhere(t *testing.T) {
	s := newCORSSystem(t)
	for _, path := range []string{"/logout", "/authorize?client_id=spa", "/login", "/account", "/users/me/"} {
		if got := s.get(path, origin(spaOrigin), s.cookie("u-ann")).Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s: %q", path, got)
		}
	}
	for _, path := range []string{"/.well-known/jwks.json", "/revocations", "/.well-known/oauth-protected-resource", "/openapi.json"} {
		s.get(path, origin("https://anybody.example")).wantOrigin(t, "*")
	}
}

// Origins are read at most once a second, and believed for a minute.
func TestOriginsAreRemembered(t *testing.T) {
	s := newCORSSystem(t)
	doc := func(from string) reply { return s.get("/.well-known/openid-configuration", origin(from)) }
	doc(spaOrigin).wantOrigin(t, spaOrigin)
	s.addClient(store.Client{ID: "new", Origins: []string{"https://new.example"}})
	doc("https://new.example").wantOrigin(t, "") // it was looked for in this second
	s.clock.Add(time.Second + time.Millisecond)
	doc("https://new.example").wantOrigin(t, "https://new.example")

	if _, err := s.db.DeleteClient(t.Context(), "spa", s.clock.Now(), s.clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	doc(spaOrigin).wantOrigin(t, spaOrigin)
	s.clock.Add(time.Minute + time.Second)
	doc(spaOrigin).wantOrigin(t, "")
	doc("https://new.example").wantOrigin(t, "https://new.example")

	s.db.Close() // nobody can tell: fail closed, and the document is there all the same
	doc("https://new.example").wantOrigin(t, "https://new.example")
	s.clock.Add(time.Minute + time.Second)
	res := doc("https://new.example")
	res.wantOrigin(t, "")
	res.wantOK(t)
}

// An app that was registered for another origin gets tokens that its script cannot read. The log says why.
func TestForeignOriginsInTheLog(t *testing.T) {
	s := newSystem(t)
	own := strings.TrimSuffix(s.opts.Issuer, "/")
	for _, c := range []struct{ name, origin, cause string }{
		{"none", "", ""}, {"our own", own, ""}, {"null", "null", "the Origin is null: "},
		{"of nobody", "https://nobody.example", `the Origin "https://nobody.example" is registered for no client`},
		{"with a secret", "https://a:S3CRET@nobody.example/?S3CRET", `the Origin "https://…@nobody.example/?…" is registered`},
	} {
		var edits []edit
		if c.origin != "" {
			edits = append(edits, header("Origin", c.origin))
		}
		res := s.post("/token", asAnn("client_id", "app"), edits...)
		res.wantOK(t)
		cause, _ := s.recordOf(res)["cause"].(string)
		if !strings.HasPrefix(cause, c.cause) || (cause == "") != (c.cause == "") {
			t.Errorf("%s: cause %q", c.name, cause)
		}
	}
	if strings.Contains(s.log.String(), "S3CRET") {
		t.Error("a secret is in the log")
	}
}

// Each answer has an id by which it can be found, whatever it is.
func TestEachAnswerHasAnID(t *testing.T) {
	s := withApps(t)
	for name, res := range map[string]reply{
		"a page": s.get("/login"), "JSON": s.get("/"), "a redirect": s.get("/account"), "a told refusal": s.authorize(asked("scope", "magic")),
		"404": s.get("/nothing"), "404 for people": s.get("/nothing", header("Accept", "text/html")), "405": s.get("/token"), "HEAD": s.send("HEAD", "/", ""),
		"a preflight": s.send("OPTIONS", "/token", ""), "a refused preflight": s.send("OPTIONS", "/token", "", header("Origin", "https://nobody.example")),
		"304": s.get("/.well-known/jwks.json", header("If-None-Match", s.get("/.well-known/jwks.json").Header.Get("ETag"))),
		"401": s.get("/users/me/"), "415": s.send("POST", "/users/", "x"),
	} {
		if id := res.Header.Get("X-Request-Id"); len(id) != 26 {
			t.Errorf("%s: %d with id %q", name, res.StatusCode, id)
		}
	}
}
