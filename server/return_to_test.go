package server_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
)

// openRedirects are ways to lead people somewhere else, which browsers, proxies
// and url.Parse read differently.
var openRedirects = []string{
	"https://evil.example/", "http://evil.example", "//evil.example/", "///evil.example", "////evil.example/account", "/\\evil.example",
	"\\\\evil.example", "\\/evil.example", "/\t/evil.example", "\t//evil.example", "/\n/evil.example", " //evil.example", "/ /evil.example",
	"https:evil.example", "https:/evil.example", "HTTPS://evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x",
	"/%2f/evil.example", "/%2fevil.example", "/%5cevil.example", "%2f%2fevil.example", "/%09/evil.example", "/..//evil.example", "/../..//evil.example",
	"/account/..//evil.example", "/account/../../evil", "/./account", "/account/.", "/.evil", "/account//evil.example", "evil.example", "account", "?x=y", "#x",
	"/account#@evil.example", "/account?x=#", "/account?x=\r\nSet-Cookie:a=b", "/account\r\nLocation: https://evil.example", "/account?\\", "/@evil.example/",
	"/account@evil.example", "@evil.example", "http://127.0.0.1@evil.example/", "/account;evil", "/ａccount", "/account\x00", "/account?\x7f", "／／evil.example", "",
	"/", "blob:https://evil.example/x", "/account?x=\u2028", "/:80//evil.example",
}

func TestReturnTo(t *testing.T) {
	for _, prefix := range []string{"", "/auth"} {
		for _, given := range openRedirects {
			for _, g := range []string{given, prefix + given} {
				if got := server.ReturnTo(prefix, g); got != prefix+"/account" {
					t.Errorf("below %q %q leads to %q", prefix, g, got)
				}
			}
		}
		for _, own := range []string{"/account", "/authorize?client_id=x&state=%2F%2Fevil&scope=a+b", "/account/sessions", "/docs/oauth2-redirect.html?a=b|c"} {
			if got := server.ReturnTo(prefix, prefix+own); got != prefix+own {
				t.Errorf("below %q %q leads to %q", prefix, prefix+own, got)
			}
		}
	}
	if got := server.ReturnTo("/auth", "/other/page"); got != "/auth/account" {
		t.Errorf("a page outside of the prefix is left for: %q", got)
	}
}

// At every place that takes a return_to, none leads away.
func TestNoOpenRedirect(t *testing.T) {
	t.Run("9700-4.11.2 no form leads away", testNoOpenRedirect)
}

func testNoOpenRedirect(t *testing.T) {
	s := newSystem(t)
	for i, given := range openRedirects {
		res := s.post("/login", form("username", "ann", "password", password, "return_to", given))
		if at := res.Header.Get("Location"); at != "/account" && res.StatusCode != 400 { // control characters are refused
			t.Errorf("POST /login with %q: %d to %q", given, res.StatusCode, at)
		}
		name := "user" + strings.Repeat("x", i)
		res = s.post("/signup", form("username", name, "password", password, "return_to", given))
		if at := res.Header.Get("Location"); at != "/account" && res.StatusCode != 400 {
			t.Errorf("POST /signup with %q: %d to %q", given, res.StatusCode, at)
		}
		for _, page := range []string{"/login", "/signup"} {
			b := s.browser()
			b.open(page + "?" + url.Values{"return_to": {given}}.Encode())
			if got := b.hidden("return_to"); got != "/account" {
				t.Errorf("GET %s with %q keeps %q", page, given, got)
			}
		}
	}
}

func FuzzReturnTo(f *testing.F) {
	for _, given := range openRedirects {
		f.Add("", given)
		f.Add("/auth", "/auth"+given)
	}
	f.Add("", "/authorize?client_id=x&state=%00")
	f.Fuzz(func(t *testing.T, prefix, given string) {
		if prefix != "" && prefix != "/auth" {
			prefix = "/auth"
		}
		got := server.ReturnTo(prefix, given)
		base, _ := url.Parse("https://id.example" + prefix + "/login")
		to, err := base.Parse(got)
		if err != nil {
			t.Fatalf("%q leads to %q: %v", given, got, err)
		}
		if to.Scheme != "https" || to.Host != "id.example" || to.User != nil || to.Fragment != "" || !strings.HasPrefix(to.Path, prefix+"/") {
			t.Errorf("%q leads to %s", given, to)
		}
		// What a browser drops (tab, newline) or takes for a slash, and what a proxy may decode.
		path, _, _ := strings.Cut(got, "?")
		if strings.ContainsAny(got, "\\\t\r\n #") || strings.ContainsAny(path, "%") || strings.Contains(path, "//") || to.Path != path {
			t.Errorf("%q leads to %q, which can be read in two ways", given, got)
		}
	})
}
