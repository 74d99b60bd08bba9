package authreq_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/server/authreq"
)

var registered = []string{
	"https://app.example/cb", "https://app.example/cb?a=1", "com.example.app:/cb",
	"http://127.0.0.1/cb", "http://localhost:8080/cb", "http://[::1]/cb?x=%2F",
}

func TestRegistered(t *testing.T) {
	for _, uri := range append([]string{
		"http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb", "http://localhost/cb", "http://localhost:51004/cb", "http://[::1]:3000/cb?x=%2F",
	}, registered...) {
		if !authreq.Registered(uri, registered) {
			t.Errorf("8252-7.3: %s is refused", uri)
		}
	}
	for _, uri := range strangers {
		if authreq.Registered(uri, registered) {
			t.Errorf("9700-2.1: %s is taken", uri)
		}
	}
	for _, uri := range []string{"javascript:alert(1)", "data:text/html,x", "https://app.example/cb#x", "https://ann@app.example/", "/cb", `https://app.example\cb`} {
		if authreq.Registered(uri, []string{uri}) {
			t.Errorf("%s is taken, because somebody registered it", uri)
		}
	}
}

// strangers are no redirect URIs of registered, however close.
var strangers = []string{
	"", "https://app.example", "https://app.example/cb/", "https://app.example/cb/x", "https://app.example/CB", "https://APP.example/cb",
	"HTTPS://app.example/cb", "http://app.example/cb", "https://app.example:443/cb", "https://app.example:8443/cb", "https://app.example/cb?",
	"https://app.example/cb?a=1&b=2", "https://app.example/cb?a=2", "https://app.example/cb#", "https://app.example/cb#a",
	"https://app.example/x/../cb", "https://app.example/./cb", "https://app.example//cb", "https://app.example/%63b", "https://app.example%2Fcb",
	"https://app.example@evil.example/cb", "https://evil.example@app.example/cb", "https://app.example:x@evil.example/cb",
	"https://app.example.evil.example/cb", "https://evil-app.example/cb", "https://evil.example/https://app.example/cb",
	`https://app.example\@evil.example/cb`, `https://evil.example\app.example/cb`, "https:/app.example/cb", "https:app.example/cb", "//app.example/cb",
	"https://*.example/cb", "https://app.example/*", "https://аpp.example/cb", "https://app。example/cb", "https://app.example/cb\x00", "https://app.example/cb%00",
	"https://app.example/cb\n", " https://app.example/cb", "https://app.example/cb ", "https://app.example./cb",
	"javascript:alert(1)//https://app.example/cb", "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///cb", "com.example.app:/cb2", "com.example.app://cb",
	"https://127.0.0.1/cb", "http://127.0.0.1/CB", "http://127.0.0.1/cb?x", "http://127.0.0.1:/cb", "http://127.0.0.1:0/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:-1/cb",
	"http://127.0.0.1:80@evil.example/cb", "http://127.0.0.1:80:80/cb", "http://127.0.0.1.evil.example/cb", "http://127.0.0.1evil.example/cb", "http://127.0.0.2/cb",
	"http://ann@127.0.0.1/cb", "http://127.0.0.1:8 /cb", "http://127.0.0.1#@evil.example/cb", `http://127.0.0.1\@evil.example/cb`, "http://127.1/cb", "http://2130706433/cb",
	"http://localhost.evil.example/cb", "http://LOCALHOST:8080/cb", "http://[::1/cb?x=%2F", "http://[::1]/cb?x=%2f", "http://[::2]/cb?x=%2F", "http://[0:0:0:0:0:0:0:1]/cb?x=%2F",
	"http://localhost:٣/cb",
}

func FuzzRegistered(f *testing.F) {
	for _, uri := range slices.Concat(registered, strangers, []string{"http://localhost:51004/cb"}) {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if !authreq.Registered(uri, registered) || slices.Contains(registered, uri) {
			return
		}
		// Nothing but a port on loopback differs, as a browser reads it, too.
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "http" || u.User != nil || u.Fragment != "" {
			t.Fatalf("%q is taken: %v, %v", uri, u, err)
		}
		same := slices.ContainsFunc(registered, func(r string) bool {
			known, err := url.Parse(r)
			return err == nil && known.Scheme == "http" && known.Hostname() == u.Hostname() && known.RequestURI() == u.RequestURI()
		})
		if !same || !slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname()) {
			t.Fatalf("%q is taken", uri)
		}
	})
}

func TestFormAction(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example:8443/cb": "https:", "com.example.app:/cb": "com.example.app:",
		"http://127.0.0.1:8080/cb": "http://127.0.0.1:*", "http://localhost/cb": "http://localhost:*", "http://[::1]:80/cb": "http:",
		"http://localhost;script-src/cb": "http:",
	} {
		if got := authreq.FormAction(uri); got != want {
			t.Errorf("%s: %q, want %q", uri, got, want)
		}
	}
}

func TestAnswerURL(t *testing.T) {
	var a authreq.Answer
	a.Add("code", "x y")
	a.Add("left_out", "")
	a.Add("state", "\x00&=\xff")
	const added = "code=x+y&state=%00%26%3D%FF"
	for uri, want := range map[string]string{
		"https://app.example/cb":               "https://app.example/cb?" + added,
		"https://app.example/cb?":              "https://app.example/cb?" + added,
		"https://app.example/cb?b=%2f&&a=1;c=": "https://app.example/cb?b=%2f&&a=1;c=&" + added,
		"https://app.example/cb?a&":            "https://app.example/cb?a&" + added,
		"com.example.app:/cb":                  "com.example.app:/cb?" + added,
	} {
		if got := a.URL(uri); got != want {
			t.Errorf("6749-3.1.2: %s: %s, want %s", uri, got, want)
		}
	}
}

func TestFitsForm(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "aZ09-._~ <>&\"'": true, "ü€𝄞": true, "a\nb": false, "\r": false, "\x00": false, "\xff": false, "\x7f": false, "\u0085": false,
		strings.Repeat("x", 9000): true,
	} {
		if got := authreq.FitsForm(text); got != want {
			t.Errorf("%.20q: %v", text, got)
		}
	}
}
