package authreq_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server/authreq"
)

func TestParse(t *testing.T) {
	r, err := authreq.Parse("client_id=app&state=&resource=https%3A%2F%2Fa&scope=me+items&resource=https://b&x=a;b=c&&flag")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"client_id": "app", "state": "", "scope": "me items", "resource": "https://a", "x": "a;b=c", "flag": ""} {
		if got := r.Get(name); got != want || r.Has(name) != (want != "") {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := r.All("resource"); !slices.Equal(got, []string{"https://a", "https://b"}) {
		t.Errorf("resource %q", got)
	}
	if got := r.Without("resource", "x").With("scope", "me").With("client_id", "").Encode(); got != "scope=me" {
		t.Errorf("what is left: %q", got)
	}
	var names []string
	r.Each(func(name, _ string) bool { names = append(names, name); return name != "scope" })
	if !slices.Equal(names, []string{"client_id", "resource", "scope"}) {
		t.Errorf("the order is %q", names)
	}
}

func TestParseErrors(t *testing.T) {
	for query, want := range map[string]error{
		"a=%":    authreq.ErrMalformed,
		"%zz=a":  authreq.ErrMalformed,
		"a=%e4%": authreq.ErrMalformed,
		"state=" + strings.Repeat("x", authreq.MaxQuery): authreq.ErrTooLong,
		// It would grow: '"' becomes %22.
		"state=" + strings.Repeat(`"`, authreq.MaxQuery/2): authreq.ErrTooLong,
		"state=" + strings.Repeat("%00", authreq.MaxQuery): authreq.ErrTooLong,
	} {
		if _, err := authreq.Parse(query); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", query, err, want)
		}
	}
	if _, err := authreq.Parse("state=" + strings.Repeat("%00", 8<<10) + "&code_challenge=x"); err != nil {
		t.Errorf("a state of 8 KB: %v", err)
	}
}

func TestRepeated(t *testing.T) {
	for query, want := range map[string]string{
		"a=1&b=2":                   "",
		"a=1&b=2&a=1":               "a",
		"resource=a&resource=b":     "",
		"resource=a&x=1&x=&x=2":     "x",
		"a=1&a=":                    "", // RFC 6749 §3.1: the second counts as left out
		"%61=1&a=2&resource=z&c=d":  "a",
		"A=1&a=2":                   "",
		"state=1&resource=&state=1": "state",
	} {
		r, err := authreq.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Repeated("resource"); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("response_type=code&client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=%00%ff")
	f.Add("a=b&a=%zz&&=;&resource=x&resource=y")
	f.Fuzz(func(t *testing.T, query string) {
		r, err := authreq.Parse(query)
		if err != nil {
			return
		}
		text := r.Encode()
		again, err := authreq.Parse(text)
		if err != nil || again.Encode() != text {
			t.Fatalf("%q -> %q -> %q, %v", query, text, again.Encode(), err)
		}
		if len(text) > authreq.MaxQuery || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '"' || c == '\'' || c == '<' }) {
			t.Fatalf("%q cannot stand in a URL", text)
		}
		// Where the standard library reads a query, it reads the same.
		std, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		for name, values := range std {
			values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
			if !slices.Equal(r.All(name), values) {
				t.Fatalf("%q: %q is %q, and %q for net/url", query, name, r.All(name), values)
			}
		}
	})
}

func TestPrompt(t *testing.T) {
	for text, want := range map[string]authreq.Prompt{
		"": {}, "none": {None: true}, "login": {Login: true}, "consent login": {Login: true, Consent: true},
		"select_account": {SelectAccount: true}, "login login": {Login: true},
	} {
		p, err := authreq.ParsePrompt(text)
		if err != nil || p != want {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
		if again, err := authreq.ParsePrompt(p.String()); err != nil || again != p {
			t.Errorf("%q -> %q -> %+v", text, p, again)
		}
	}
	for _, text := range []string{"none login", "consent none", "None", "create", "login,consent"} {
		if p, err := authreq.ParsePrompt(text); err == nil {
			t.Errorf("%q: %+v", text, p)
		}
	}
}

func TestMaxAge(t *testing.T) {
	for text, want := range map[string]time.Duration{"": authreq.AnyAge, "0": 0, "00": 0, "3600": time.Hour, "4294967295": 4294967295 * time.Second} {
		if got, err := authreq.ParseMaxAge(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"-1", "+1", "1.5", "1h", " 1", "0x10", "1_000", "4294967296", "99999999999999999999"} {
		if got, err := authreq.ParseMaxAge(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestResource(t *testing.T) {
	for text, want := range map[string]bool{
		"https://api.example": true, "https://api.example/v1?x=1": true, "urn:example:api": true,
		"": false, "api": false, "/api": false, "//api.example": false, "https://api.example#": false, "https://api.example/#a": false, "https://[": false,
	} {
		if got := authreq.ValidResource(text); got != want {
			t.Errorf("8707-2: %q: %v", text, got)
		}
	}
}
