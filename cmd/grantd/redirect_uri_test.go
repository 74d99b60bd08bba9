package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/store"
)

func TestRedirectURIs(t *testing.T) {
	const anyKind, web, native, spa = "", store.WebClient, store.NativeClient, store.SinglePageClient
	for _, c := range []struct{ name, kind, uri, problem string }{
		{"https", web, "https://app.example.com/callback?tenant=a&x=%20y", ""},
		{"https with a port", web, "https://app.example.com:8443/", ""},
		{"https on an address", web, "https://[2001:db8::1]/cb", ""},
		{"8252-7.3 http on loopback", native, "http://127.0.0.1/callback", ""},
		{"8252-7.3 http on loopback, IPv6", native, "http://[::1]/callback", ""},
		{"http on localhost while it is made", spa, "http://localhost:5173/callback", ""},
		{"8252-7.1 a scheme of its own", native, "com.example.app:/callback", ""},
		{"8252-7.1 a scheme of its own, without a kind", anyKind, "com.example.app:/callback", ""},
		{"8252-7.1 a scheme without a dot", native, "myapp:/callback", "an app's own scheme such as com.example.app"},
		{"a scheme of its own for a server", web, "com.example.app:/callback", "for apps on phones and desktops"},
		{"a scheme of its own for a page", spa, "com.example.app:/callback", "for apps on phones and desktops"},
		{"9700-2.6 http elsewhere", native, "http://app.example.com/", "use https, http on loopback, or an app's own scheme"},
		{"9700-2.6 http elsewhere, a server", web, "http://app.example.com/", "use https, or http on loopback while you make it"},
		{"http on what begins like loopback", native, "http://127.0.0.1.example.com/", "use https"},
		{"http on another loopback address", native, "http://127.0.0.2/", "use https"},
		{"script", anyKind, "javascript:alert(1)", "use https"},
		{"data", native, "data:text/html,x", "use https"},
		{"file", native, "file:///etc/passwd", "use https"},
		{"6749-3.1.2 relative", web, "/callback", "not an absolute URI"},
		{"6749-3.1.2 a network path", web, "//app.example.com/", "not an absolute URI"},
		{"6749-3.1.2 a fragment", web, "https://app.example.com/#x", "without a fragment (RFC 6749 §3.1.2)"},
		{"6749-3.1.2 an empty fragment", web, "https://app.example.com/#", "without a fragment"},
		{"user-info", web, "https://app.example.com@evil.example/", "username before an @"},
		{"user-info, empty", web, "https://@evil.example/", "username before an @"},
		{"a backslash", web, `https://app.example.com\@evil.example/`, `a \, which browsers take for a /`},
		{"9700-2.1 a wildcard", web, "https://*.example.com/", "there are no wildcards"},
		{"9700-2.1 a wildcard in the path", web, "https://app.example.com/*", "there are no wildcards"},
		{"dots", web, "https://app.example.com/a/../b", "read in two ways"},
		{"a dot", web, "https://app.example.com/a/.", "read in two ways"},
		{"dots, encoded", web, "https://app.example.com/%2E%2e/b", "read in two ways"},
		{"dots, encoded twice", web, "https://app.example.com/%252e%252e/b", "read in two ways"},
		{"a slash, encoded", web, "https://app.example.com/a%2fb", "read in two ways"},
		{"a backslash, encoded", web, "https://app.example.com/a%5Cb", "read in two ways"},
		{"dots in a scheme of its own", native, "com.example.app:a/../b", "read in two ways"},
		{"dots in a name", web, "https://app.example.com/v1..2/a.b", ""},
		{"capitals in the host", web, "https://App.example.com/", "in lower case"},
		{"capitals in the scheme", web, "HTTPS://app.example.com/", "in lower case"},
		{"an umlaut", web, "https://äpp.example.com/", "write a host in punycode"},
		{"a look-alike", web, "https://аpp.example.com/", "write a host in punycode"},
		{"a line break", web, "https://app.example.com/\r\nx", "a character that URIs have not"},
		{"a tab", web, "https://app.example.com/\tx", "a character that URIs have not"},
		{"markup", web, `https://app.example.com/"><b>`, "a character that URIs have not"},
		{"a host that is none", web, "https://app..example.com/", "its host is no name"},
		{"a host encoded", web, "https://app%2eexample.com/", "not an absolute URI"},
		{"an address", web, "https://192.0.2.1/cb", ""},
		{"a name that begins with numbers", web, "https://192.0.2.example/cb", ""},
		{"an address as one number", web, "https://3221225985/", "ends in a number"},
		{"an address in hexadecimal", web, "https://0xc0000201/", "ends in a number"},
		{"an address with fewer parts", web, "https://192.0.513/", "ends in a number"},
		{"an address in octal", web, "https://192.0.2.010/", "ends in a number"},
		{"a name that ends in a number", web, "https://app.example.0x1/", "ends in a number"},
		{"a name that ends in a number, with a port", web, "https://app.example.1:8443/", "ends in a number"},
		{"NUL, encoded", web, "https://app.example.com/a%00b", "an encoded control character"},
		{"NUL, encoded in the query", web, "https://app.example.com/?a=%00", "an encoded control character"},
		{"a line break, encoded twice", web, "https://app.example.com/a%250A", "an encoded control character"},
		{"no host", web, "https:///callback", "use https"},
		{"a port alone", web, "https://:443/", "its host is no name"},
		{"no port behind the colon", web, "https://app.example.com:/", "its host is no name"},
		{"port 0", web, "https://app.example.com:0/", "its port is not a number from 1 to 65535"},
		{"port 70000", web, "https://app.example.com:70000/", "its port is not a number"},
		{"long", web, "https://app.example.com/" + strings.Repeat("a", 1000), "over 1000 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantProblem(t, checkRedirectURI("redirect URI", c.uri, c.kind), c.problem)
		})
	}
}

func TestOrigins(t *testing.T) {
	for _, c := range []struct{ name, origin, problem string }{
		{"https", "https://app.example.com", ""},
		{"a port", "https://app.example.com:8443", ""},
		{"http on loopback", "http://localhost:5173", ""},
		{"http elsewhere", "http://app.example.com", "use https"},
		{"6454-6.2 a slash", "https://app.example.com/", "ends after the host and port"},
		{"6454-6.2 a path", "https://app.example.com/app", "ends after the host and port"},
		{"a query", "https://app.example.com?", "ends after the host and port"},
		{"6454-6.2 the default port", "https://app.example.com:443", "leave out the default port"},
		{"6454-6.2 the default port of http", "http://localhost:80", "leave out the default port"},
		{"6454-6.1 null", "null", "not an absolute URI"},
		{"everybody", "*", "there are no wildcards"},
		{"a scheme of its own", "com.example.app://x", "use https"},
		{"user-info", "https://a@app.example.com", "username before an @"},
		{"capitals", "https://APP.example.com", "in lower case"},
	} {
		t.Run(c.name, func(t *testing.T) { wantProblem(t, checkOrigin(c.origin), c.problem) })
	}
}

func TestRedirectURIsWithOurAnswers(t *testing.T) {
	for uri, problem := range map[string]string{
		"https://app.example.com/cb?tenant=code&codes=1": "",
		"https://app.example.com/code/state":             "",
		"https://app.example.com/?code=x":                "the parameter code",
		"https://app.example.com/?a=b&state":             "the parameter state",
		"https://app.example.com/?a=b;iss=x":             "the parameter iss",
		"https://app.example.com/?%65rror=x":             "the parameter error,",
		"https://app.example.com/?error_description=":    "the parameter error_description",
		"com.example.app:/cb?code=x":                     "the parameter code",
	} {
		t.Run(uri, func(t *testing.T) {
			in := newClient{kind: store.NativeClient, redirectURIs: []string{uri}}
			wantProblem(t, in.checkURIs(), problem)
		})
	}
}

func wantProblem(t *testing.T, err error, problem string) {
	t.Helper()
	switch {
	case problem == "" && err != nil:
		t.Error(err)
	case problem != "" && (err == nil || !strings.Contains(err.Error(), problem)):
		t.Errorf("%v; want %q", err, problem)
	}
}

func TestOriginsOfRedirectURIs(t *testing.T) {
	got := originsOf([]string{"https://a.example/cb", "https://a.example:443/other", "http://localhost:5173/", "https://a.example:8443/"})
	if want := []string{"https://a.example", "http://localhost:5173", "https://a.example:8443"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
