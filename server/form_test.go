package server_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

const formType = "application/x-www-form-urlencoded"

// endpoints are the paths that take a form, each with a body it answers with 200.
func (s *system) endpoints() map[string]url.Values {
	s.t.Helper()
	refresh := func() string { return s.login("me").str("refresh_token") }
	return map[string]url.Values{
		"/token":      asAnn("client_id", "app", "scope", "me"),
		"/refresh":    form("refresh_token", refresh()),
		"/revoke":     form("client_id", "app", "token", refresh(), "token_type_hint", "refresh_token"),
		"/introspect": form("client_id", "service", "client_secret", serviceSecret, "token", refresh()),
	}
}

// What every endpoint refuses before it looks at anything else (contract §5).
func TestStrictForms(t *testing.T) {
	s := newSystem(t)
	for path, good := range s.endpoints() {
		valid := good.Encode()
		for _, c := range []struct{ name, query, contentType, body string }{
			{"6749-3.2 parameter twice", "", formType, valid + "&extra=a&extra=b"},
			{"6749-3.2 parameter twice, the same value", "", formType, valid + "&client_id=app&client_id=app"},
			{"6749-3.2 parameter twice, once empty", "", formType, valid + "&extra=a&extra="},
			{"6749-3.2 parameter twice, both empty", "", formType, valid + "&extra=&extra="},
			{"6749-3.2 parameter twice, once encoded", "", formType, valid + "&extra=a&%65xtra=a"},
			{"6749-3.2 malformed query", "?%zz", formType, valid},
			{"6749-3.2 semicolon in the query", "?a=b;c=d", formType, valid},
			{"6749-3.2 no content type", "", "", valid},
			{"6749-3.2 malformed parameter of the content type", "", formType + "; charset", `{"a":"b"}`},
			{"6749-3.2 malformed content type", "", "form", valid},
			{"6749-3.2 text", "", "text/plain", valid},
			{"6749-3.2 multipart", "", `multipart/form-data; boundary="x"`, "--x\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nabc\r\n--x--\r\n"},
			{"6749-B percent-escape cut off", "", formType, valid + "&extra=%4"},
			{"6749-B percent-escape of no hex", "", formType, valid + "&extra=%zz"},
			{"6749-B percent-escape in a name", "", formType, valid + "&%zz=a"},
			{"6749-B semicolon between parameters", "", formType, valid + ";extra=a"},
			{"6749-A NUL", "", formType, valid + "&extra=a%00b"},
			{"6749-A NUL in a name", "", formType, valid + "&ex%00tra=a"},
			{"6749-A raw NUL", "", formType, valid + "&extra=a\x00b"},
			{"6749-A CR", "", formType, valid + "&extra=a%0Db"},
			{"6749-A LF", "", formType, valid + "&extra=a%0Ab"},
			{"6749-A raw CR LF", "", formType, valid + "&extra=a\r\n"},
			{"6749-A DEL", "", formType, valid + "&extra=%7f"},
			{"6749-A ESC in a name", "", formType, valid + "&%1b=a"},
			{"6749-A invalid UTF-8", "", formType, valid + "&extra=%ff%fe"},
			{"6749-A invalid UTF-8 in a name", "", formType, valid + "&%ff=a"},
			{"6749-A overlong UTF-8", "", formType, valid + "&extra=%c0%80"},
			{"6749-A surrogate", "", formType, valid + "&extra=%ed%a0%80"},
			{"contract-5 body over 64 KiB", "", formType, valid + "&extra=" + strings.Repeat("x", 64<<10)},
		} {
			t.Run(c.name+" "+path, func(t *testing.T) {
				res := s.send("POST", path+c.query, c.body, header("Content-Type", c.contentType))
				res.wantRefusal(t, 400, "invalid_request")
			})
		}
		t.Run("contract-5 the same body without a fault "+path, func(t *testing.T) {
			s.send("POST", path+"?utm=unknown", valid+"&extra=%C3%BC&empty=&", header("Content-Type", "Application/X-WWW-Form-URLEncoded; charset=UTF-8")).wantOK(t)
		})
	}
}

func TestControlCharactersInAnyField(t *testing.T) {
	s := newSystem(t)
	for path, good := range s.endpoints() {
		for name := range good {
			for _, bad := range []string{"\x00", "\r", "\n", "\xff"} {
				t.Run(fmt.Sprintf("6749-A %s %s %q", path, name, bad), func(t *testing.T) {
					body := url.Values{}
					for n, v := range good {
						body[n] = v
					}
					body[name] = []string{good.Get(name) + bad}
					s.post(path, body).wantRefusal(t, 400, "invalid_request")
				})
			}
		}
	}
}

// RFC 6749 §2.3.1, RFC 9700 §4.3.2: whatever is in a URL is in logs and histories.
func TestSecretsInTheQuery(t *testing.T) {
	s := newSystem(t)
	for path, good := range s.endpoints() {
		for _, name := range []string{
			"access_token", "client_assertion", "client_id", "client_secret", "code", "code_verifier", "password", "refresh_token", "token", "username",
		} {
			t.Run("contract-5 "+path+"?"+name, func(t *testing.T) {
				res := s.post(path+"?"+name+"=hunter2", good)
				res.wantRefusal(t, 400, "invalid_request")
				if !strings.Contains(res.str("error_description"), name+" in the query") || strings.Contains(res.body, "hunter2") {
					t.Errorf("%s", res.body)
				}
			})
		}
	}
}

// A parameter of the URL is never taken for one of the body.
func TestQueryIsNotRead(t *testing.T) {
	s := newSystem(t)
	s.post("/token?grant_type=password", form("client_id", "app", "username", "ann", "password", password)).wantRefusal(t, 400, "invalid_request")
	res := s.post("/token?scope=me+items", asAnn("client_id", "app", "scope", "me"))
	res.wantOK(t)
	if res.str("scope") != "me" {
		t.Errorf("scope %q came from the query", res.str("scope"))
	}
	for name, res := range map[string]reply{
		"client_credentials": s.post("/token?scope=me", form("grant_type", "client_credentials"), as("service", serviceSecret)),
		"refresh_token":      s.post("/token?scope=me", form("grant_type", "refresh_token", "refresh_token", s.login("items").str("refresh_token"))),
		"/refresh":           s.postJSON("/refresh?scope=me", `{"refresh_token":"`+s.login("items").str("refresh_token")+`"}`),
	} {
		res.wantOK(t)
		if res.str("scope") != "items" {
			t.Errorf("%s: scope %q came from the query", name, res.str("scope"))
		}
	}
}

func TestJSONWhereAFormIsDue(t *testing.T) {
	s := newSystem(t)
	for _, path := range []string{"/token", "/revoke", "/introspect"} {
		t.Run("contract-5 "+path, func(t *testing.T) {
			body := `{"grant_type":"password","client_id":"app","username":"ann","password":"` + password + `","token":"x"}`
			res := s.send("POST", path, body, header("Content-Type", "application/json"))
			res.wantRefusal(t, 400, "invalid_request")
			if !strings.Contains(res.str("error_description"), formType) {
				t.Errorf("does not say what to send: %s", res.body)
			}
		})
	}
}

// A body of 10 MB is refused as soon as it passes the bound, not when it ends.
func TestHugeBody(t *testing.T) {
	s := newSystem(t)
	huge := "extra=" + strings.Repeat("x", 10<<20)
	for _, path := range []string{"/token", "/refresh", "/revoke", "/introspect"} {
		for _, contentType := range []string{formType, "application/json"} {
			t.Run("contract-5 "+path+" "+contentType, func(t *testing.T) {
				start := time.Now()
				s.send("POST", path, huge, header("Content-Type", contentType)).wantRefusal(t, 400, "invalid_request")
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("took %v", took)
				}
			})
		}
	}
}

// An error names parameters of ours only: what an app forgot to encode may be
// half a password.
func TestErrorsNameKnownParametersOnly(t *testing.T) {
	s := newSystem(t)
	for _, c := range []struct{ name, body, says string }{
		{"6749-5.2 known, twice", "scope=a&scope=b", "parameter scope is given more than once"},
		{"6749-5.2 known, control character", "scope=%00", "parameter scope has control characters"},
		{"6749-5.2 unknown, twice", "hunter2&hunter2", "an unknown parameter is given more than once"},
		{"6749-5.2 unknown, control character", "hunter2=%00", "an unknown parameter has control characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := s.send("POST", "/token", c.body, header("Content-Type", formType))
			res.wantRefusal(t, 400, "invalid_request")
			if !strings.Contains(res.body, c.says) || strings.Contains(res.body, "hunter2") {
				t.Errorf("%s", res.body)
			}
		})
	}
}
