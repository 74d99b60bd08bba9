package server_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/pages"
	"github.com/grantd/grantd/store"
	"golang.org/x/net/html"
)

// forPrograms are the routes that take a POST of no page.
var forPrograms = []string{"/token", "/refresh", "/revoke", "/introspect", "/users/", "/users/me/items/", "/userinfo", "/authorize"}

// pageForms are the paths of all forms of pages.
func (s *system) pageForms() (paths []string) {
	for route := range s.srv.RouteTable() {
		if path, ok := strings.CutPrefix(route, "POST "); ok && !slices.Contains(forPrograms, path) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// What other sites post is refused before it is read, whatever it is, and nothing changes.
func TestFormsOfOtherSites(t *testing.T) {
	s := withApps(t)
	b, other := s.signedIn("ann"), s.signedIn("ann")
	tokens := s.connect(b, "me items")
	b.open("/authorize?" + askedByThird("me items items:write"))
	// One body that each form could be: what is not its own it passes over.
	body := form(
		"username", "mallory", "email", "ann@example.com", "password", password, "full_name", "M", "return_to", "/account",
		"request", b.hidden("request"), "session", b.hidden("session"), "asked", b.hidden("asked"), "decision", "allow", "scope.me", "on", "scope.items", "on", "scope.items:write", "on",
		"all", "yes", "others", "yes", "current_password", password, "new_password", "a new password", "new_password_again", "a new password",
	)
	forms := s.pageForms()
	for _, want := range []string{"/login", "/signup", "/consent", "/account/revoke", "/account/sessions", "/account/password"} {
		if !slices.Contains(forms, want) {
			t.Errorf("%s is not among the forms", want)
		}
	}
	cookie := header("Cookie", "grantd_session_"+b.base.Port()+"="+b.secret())
	for _, path := range forms {
		for name, from := range map[string][]edit{
			"6749-10.12 another site": {header("Sec-Fetch-Site", "cross-site"), header("Origin", "https://evil.example")},
			"another port":            {header("Sec-Fetch-Site", "same-site"), header("Origin", "http://127.0.0.1:1")},
			"an older browser":        {header("Origin", "https://evil.example")},
			"a sandboxed frame":       {header("Origin", "null")},
			"a site like ours":        {header("Origin", s.web.URL+".evil.example")},
			"ours, by https":          {header("Origin", strings.Replace(s.web.URL, "http:", "https:", 1)+"0")},
			"another site, no more":   {header("Sec-Fetch-Site", "cross-site")},
		} {
			for _, p := range []string{path, path + "/"} {
				res := s.post(p, body, append(from, cookie)...)
				res.wantPage(t, http.StatusForbidden)
				if len(res.Cookies()) > 0 || !strings.Contains(res.body, "sent by another site") {
					t.Errorf("POST %s from %s: %s", p, name, res.body)
				}
			}
		}
	}
	if !b.isSignedIn() || !other.isSignedIn() {
		t.Error("a session ended")
	}
	s.get("/users/me/", bearer(tokens.str("access_token"))).wantOK(t)
	if c, err := s.db.Consent(t.Context(), "u-ann", "third"); err != nil || slices.Contains(c.Granted, "items:write") {
		t.Errorf("the consent is %+v, %v", c, err)
	}
	if _, err := s.db.UserByLogin(t.Context(), "mallory"); err == nil {
		t.Error("a user was made")
	}
	if user, _ := s.db.User(t.Context(), "u-ann"); user.PasswordHash != passwordHash {
		t.Error("the password was changed")
	}
}

// The same forms work from our own pages, in browsers that say less.
func TestFormsOfOurOwn(t *testing.T) {
	s := newSystem(t)
	for name, from := range map[string][]edit{
		"new browser": {header("Sec-Fetch-Site", "same-origin")}, "older browser": {header("Origin", s.web.URL)}, "no browser": nil,
		"typed": {header("Sec-Fetch-Site", "none")},
	} {
		if res := s.post("/login", form("username", "ann", "password", password), from...); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d %s", name, res.StatusCode, res.body)
		}
	}
}

// Each page and each refusal of one has the same protection.
func TestHeadersOfPages(t *testing.T) {
	s := withApps(t)
	browser := header("Accept", "text/html,*/*;q=0.8")
	cookie := s.cookie("u-ann")
	paths := []string{"/login", "/signup", "/account", "/account/", "/nothing/there", "/authorize", "/consent", "/token",
		"/authorize?" + askedByThird("me"), "/authorize?" + askedByThird("me", "prompt", "login"), "/authorize?" + askedByThird("me", "prompt", "select_account")}
	for _, path := range append(paths, s.pageForms()...) {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			for _, edits := range [][]edit{{browser}, {browser, cookie}} {
				res := s.send(method, path, "", edits...)
				if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
					if path != "/token" {
						t.Errorf("%s %s: %d %s", method, path, res.StatusCode, res.body)
					}
					continue
				}
				t.Run(method+" "+path, func(t *testing.T) { wantGuarded(t, res) })
			}
		}
	}
}

func wantGuarded(t *testing.T, res reply) {
	t.Helper()
	for _, c := range []struct{ name, header, want string }{
		{"9700-4.16 no frame", "X-Frame-Options", "DENY"},
		{"9700-4.2.4 no referrer for others", "Referrer-Policy", "same-origin"},
		{"kept by nobody", "Cache-Control", "no-store"},
		{"taken for nothing else", "X-Content-Type-Options", "nosniff"},
		{"apps open us in a popup, and wait for it", "Cross-Origin-Opener-Policy", ""},
	} {
		if got := res.Header.Get(c.header); got != c.want {
			t.Errorf("%s: %d, %s is %q, want %q", c.name, res.StatusCode, c.header, got, c.want)
		}
	}
	if res.Header.Get("X-Request-Id") == "" {
		t.Error("there is no request id")
	}
	policy := res.Header.Get("Content-Security-Policy")
	const want = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
	if res.StatusCode != http.StatusSeeOther && strings.TrimSuffix(policy, " https:") != want {
		t.Errorf("%d: the policy is %q", res.StatusCode, policy)
	}
}

// Browsers come back by https, except to a server on their own machine, where other programs may have none.
func TestStrictTransport(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://id.example": "max-age=31536000", "http://127.0.0.1:8000": "", "https://127.0.0.1:8000": "", "https://localhost": "", "https://[::1]": "",
	} {
		s := newSystem(t, func(o *server.Options) { o.Issuer = issuer })
		for _, path := range []string{"/login", "/authorize?client_id=nobody"} {
			if got := s.get(path, header("Accept", "text/html")).Header.Get("Strict-Transport-Security"); got != want {
				t.Errorf("%s: %s", issuer+path, fmt.Sprintf("%s: %q, want %q", "9325-3.2 pages over TLS", got, want))
			}
		}
		if got := s.get("/.well-known/jwks.json").Header.Get("Strict-Transport-Security"); got != "" {
			t.Errorf("%s: programs are told %q", issuer, got)
		}
	}
}

func TestPagesForPeopleAndPrograms(t *testing.T) {
	s := newSystem(t)
	s.get("/nothing").wantError(t, http.StatusNotFound, "not_found")
	s.get("/nothing", header("Accept", "application/json")).wantError(t, http.StatusNotFound, "not_found")
	s.get("/consent").wantError(t, http.StatusMethodNotAllowed, "method_not_allowed")
	b := s.browser()
	if b.open("/nothing"); b.status != http.StatusNotFound || b.heading() != "There is no such page" || !strings.Contains(b.text(), b.header.Get("X-Request-Id")) {
		t.Errorf("%d %s", b.status, b.text())
	}
	if b.follow("Go to the start page"); b.at.Path != "/" {
		t.Errorf("the start page is at %s", b.at)
	}
	other := newSystem(t, func(o *server.Options) { o.Resources = false }).browser()
	if other.open("/nothing"); strings.Contains(other.text(), "start page") {
		t.Errorf("a link to a start page that is not served: %s", other.text())
	}
	if b.open("/authorize?client_id=nobody"); !strings.Contains(b.text(), "not known to this server; tell the app's makers.") {
		t.Errorf("no next step: %s", b.text())
	}
	if b.follow("your account page"); b.at.Path != "/login" || b.hidden("return_to") != "/account" {
		t.Errorf("the next step leads to %s", b.at)
	}
	if b.open("/consent"); b.status != http.StatusMethodNotAllowed || b.header.Get("Allow") != "POST" {
		t.Errorf("%d %s, %v", b.status, b.text(), b.header)
	}
	// What programs use answers them as ever.
	b.open("/token")
	s.post("/token", nil, header("Accept", "text/html")).wantError(t, http.StatusBadRequest, "invalid_request")

	b = s.signedIn("ann")
	s.db.Close()
	if b.open("/account"); b.status < 500 || b.header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(b.text(), b.header.Get("X-Request-Id")) {
		t.Errorf("without a database: %d %s", b.status, b.source)
	}
	if strings.Contains(b.source, "sql") || strings.Contains(b.source, "closed") {
		t.Errorf("the page tells of our insides: %s", b.text())
	}
}

// Forms are read as strictly as those of programs.
func TestPageFormsAreStrict(t *testing.T) {
	s := newSystem(t)
	cookie := s.cookie("u-ann")
	long := url.Values{"username": {strings.Repeat("x", 64<<10)}}
	for _, path := range s.pageForms() {
		for name, res := range map[string]reply{
			"a field twice":        s.post(path, url.Values{"username": {"a", "b"}, "session": {"a", "b"}}, cookie),
			"a body too long":      s.post(path, long, cookie),
			"no form":              s.send("POST", path, `{"username":"ann"}`, header("Content-Type", "application/json"), cookie),
			"a malformed form":     s.send("POST", path, "username=%zz", header("Content-Type", "application/x-www-form-urlencoded"), cookie),
			"a password in a URL":  s.post(path+"?password=secret", form("username", "ann"), cookie),
			"a control character":  s.post(path, form("username", "a\x00b", "session", "\x07"), cookie),
			"a name with controls": s.post(path, form("a\nb", "x"), cookie),
		} {
			if res.StatusCode != http.StatusBadRequest {
				t.Errorf("POST %s with %s: %d %s", path, name, res.StatusCode, res.body)
			}
		}
	}
}

const evil = `<script>alert("1")</script><img src=x onerror='alert(1)'>&amp;{{.}}`

// Whatever text comes from outside, a page shows it as text.
func TestScriptOnPages(t *testing.T) {
	s := newSystem(t, func(o *server.Options) {
		o.Brand.Name = "B" + evil
		o.Scopes = append(o.Scopes, server.Scope{Name: "evil", Description: "D" + evil})
	})
	now := s.clock.Now()
	if err := s.db.CreateUser(t.Context(), store.User{
		ID: "u-evil", Username: "U" + evil, FullName: "F" + evil, Email: "E@" + evil, PasswordHash: passwordHash, CreatedAt: now,
	}); err != nil {
		t.Fatal(err)
	}
	s.addClient(store.Client{ID: "I" + evil, Name: "N" + evil, Grants: []string{"authorization_code"}, Scopes: []string{"me", "evil"}, RedirectURIs: []string{"https://evil.example/'\"><script>/cb"}})
	query := asked("client_id", "I"+evil, "redirect_uri", "https://evil.example/'\"><script>/cb", "scope", "me evil", "login_hint", "H"+evil, "state", evil)

	b := s.browser()
	b.agent = "Firefox/1 " + evil
	b.open("/authorize?" + query)
	wantText(t, b, "B", "N", "H")
	b.signIn("W"+evil, "wrong")
	wantText(t, b, "B", "N", "W")
	b.follow("Create an account")
	b.signUp("U"+evil, "short", "E"+evil, "F"+evil)
	wantText(t, b, "B", "N", "U", "E", "F")
	b.open("/authorize?" + query)
	b.signIn("U"+evil, password)
	wantText(t, b, "B", "N", "D", "U")
	b.press("Allow")
	if b.left == nil || b.left.Query().Get("state") != evil {
		t.Fatalf("the app got %v", b.left)
	}
	b.open("/authorize?" + query + "&prompt=select_account")
	wantText(t, b, "B", "N", "U", "F")
	b.open("/account?done=" + url.QueryEscape(evil))
	wantText(t, b, "B", "N", "D", "U", "F", "E@")
	b.open("/authorize?client_id=" + url.QueryEscape(evil) + "&" + url.QueryEscape(evil) + "=1")
	wantText(t, b, "B")
	b.open("/" + url.PathEscape(evil))
	wantText(t, b, "B")
	b.open("/login?return_to=" + url.QueryEscape(`/account?"><script>`) + "&" + url.QueryEscape(evil))
	wantText(t, b, "B")
}

// wantText checks that the page has evil behind each of these, as text or in an
// attribute of a field, and nothing that came of it.
func wantText(t *testing.T, b *browser, behind ...string) {
	t.Helper()
	var seen strings.Builder
	for n := range b.doc.Descendants() {
		if n.Type == html.TextNode {
			seen.WriteString(n.Data + "\n")
		}
		if n.Data == "script" || n.Data == "img" {
			t.Errorf("%s has a %s", b.at.Path, n.Data)
		}
		for _, a := range n.Attr {
			if seen.WriteString(a.Val + "\n"); strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("%s has an attribute %s=%q", b.at.Path, a.Key, a.Val)
			}
		}
	}
	for _, prefix := range behind {
		if !strings.Contains(seen.String(), prefix+evil) {
			t.Errorf("%s, %d, does not show %q: %s", b.at.Path, b.status, prefix+evil, b.source)
		}
	}
	if strings.Contains(b.source, "<script>alert") || strings.Contains(b.header.Get("Content-Security-Policy"), "unsafe") {
		t.Errorf("%s has the script as it was sent, or lets it run", b.at.Path)
	}
}

func TestAssets(t *testing.T) {
	logo := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	s := newSystem(t, func(o *server.Options) {
		o.Brand = pages.Brand{Name: "Acme", Accent: "#ff8800", Logo: logo, LogoType: "image/svg+xml"}
	})
	b := s.browser()
	b.open("/login")
	if !strings.Contains(b.textOfFirst("header"), "Acme") || !strings.HasSuffix(b.textOfFirst("title"), "– Acme") {
		t.Errorf("the page is %s", b.source)
	}
	found := map[string]bool{}
	for n := range b.doc.Descendants() {
		for _, a := range n.Attr {
			if (a.Key == "href" || a.Key == "src") && strings.HasPrefix(a.Val, "/assets/") {
				found[a.Val] = true
			}
		}
	}
	for _, want := range []string{"/assets/pages.css?v=", "/assets/logo?v="} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(found)), func(u string) bool { return strings.HasPrefix(u, want) }) {
			t.Errorf("no %s on the page: %v", want, found)
		}
	}
	for u := range found {
		res := s.get(u)
		res.wantOK(t)
		if !strings.HasPrefix(res.Header.Get("Cache-Control"), "public, max-age=2592000") || res.Header.Get("ETag") == "" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", u, res.Header)
		}
		for _, other := range []string{u + "x", u + "&v=x", strings.SplitN(u, "?", 2)[0] + "?v="} {
			if got := s.get(other).Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("%s, of another version, may be kept: %s", other, got)
			}
		}
		if again := s.get(u, header("If-None-Match", res.Header.Get("ETag"))); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", u, again.StatusCode)
		}
	}
	css := s.get("/assets/pages.css")
	if !strings.Contains(css.body, "--accent:#ff8800;--on-accent:#000000") || css.Header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("the style sheet begins with %s", css.body[:200])
	}
	res := s.get("/assets/logo")
	if res.body != string(logo) || res.Header.Get("Content-Type") != "image/svg+xml" || res.Header.Get("Content-Security-Policy") != "default-src 'none'; style-src 'unsafe-inline'; sandbox" {
		t.Errorf("the logo is sent with %v", res.Header)
	}
	if plain := newSystem(t); plain.get("/assets/logo").StatusCode != http.StatusNotFound {
		t.Error("there is a logo that nobody set")
	}
}

func TestWrongBrands(t *testing.T) {
	s := newSystem(t)
	for _, brand := range []pages.Brand{{Accent: "red"}, {Logo: []byte("GIF89a"), LogoType: "image/gif"}} {
		o := s.opts
		o.Brand = brand
		if _, err := server.New(context.Background(), o); err == nil {
			t.Errorf("%v is taken", brand.Accent+brand.LogoType)
		}
	}
}

// Behind an issuer with a path all links, forms and files of pages stay below it.
func TestPagesBelowAPath(t *testing.T) {
	s := withApps(t, func(o *server.Options) {
		o.Issuer += "/auth"
		o.Brand.Logo, o.Brand.LogoType = []byte("x"), "image/png"
	})
	b := s.browser()
	check := func() {
		t.Helper()
		if b.left != nil || b.status != http.StatusOK {
			t.Fatalf("at %s, %d, left for %v", b.at, b.status, b.left)
		}
		each(b.doc, func(n *html.Node) {
			for _, a := range n.Attr {
				if slices.Contains([]string{"href", "src", "action"}, a.Key) && !strings.HasPrefix(a.Val, "/auth/") && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("%s leads to %q", b.at.Path, a.Val)
				}
			}
		})
	}
	b.open("/auth/account")
	check()
	b.follow("Create an account")
	check()
	b.signUp("fred", "a long password", "", "")
	check()
	b.open("/auth/authorize?" + askedByThird("me", "prompt", "select_account"))
	check()
	b.follow("Continue as fred")
	check()
	b.press("Allow")
	if b.left == nil || b.left.Query().Get("iss") != s.opts.Issuer {
		t.Fatalf("the app got %v", b.left)
	}
	b.open("/auth/account")
	check()
	b.press("Revoke")
	if check(); b.alert() == "" {
		t.Errorf("revoking leads to %s", b.at)
	}
	b.open("/auth/logout")
	check()
	b.press("Sign out")
	check()
}
