package server_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/grantd/grantd/server"
)

// wantClean checks what a reader of parameters let through: each once, with a
// value (RFC 6749 §3.2), but for resource (RFC 8707 §2), in UTF-8 without control
// characters (appendix A).
func wantClean(t *testing.T, form url.Values) {
	t.Helper()
	for name, values := range form {
		if len(values) != 1 && name != "resource" || slices.Contains(values, "") {
			t.Fatalf("parameter %q is %q", name, values)
		}
		for _, s := range append([]string{name}, strings.ReplaceAll(strings.Join(values, ""), "\t", "")) { // appendix A.15, A.16
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < 0x80 && unicode.IsControl(r) }) {
				t.Fatalf("parameter %q is %q", name, values)
			}
		}
	}
}

func sameForm(a, b url.Values) bool { return maps.EqualFunc(a, b, slices.Equal) }

func formRequest(query, contentType, body string) *http.Request {
	r := httptest.NewRequest("POST", "/token", strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header.Set("Content-Type", contentType)
	return r
}

func FuzzReadForm(f *testing.F) {
	f.Add("", formType, "grant_type=password&username=ann&password=correct+horse")
	f.Add("x=1", formType+"; charset=utf-8", "scope=me%20items&scope=me")
	f.Add("password=x", formType, "a=%00&b=%zz&=&&")
	f.Add("", "multipart/form-data; boundary=x", "--x--")
	f.Add("", formType, "resource=https://a.example&resource=&resource=https://b.example")
	f.Fuzz(func(t *testing.T, query, contentType, body string) {
		r := formRequest(query, contentType, body)
		form, err := server.ReadForm(httptest.NewRecorder(), r)
		if err != nil {
			return
		}
		wantClean(t, form)
		if !sameForm(r.Form, form) || !sameForm(r.PostForm, form) {
			t.Fatalf("the engine would see %q and %q, not %q", r.Form, r.PostForm, form)
		}
		if values, err := url.ParseQuery(query); err != nil || values.Has("password") || values.Has("refresh_token") || values.Has("client_secret") {
			t.Fatalf("a secret in the query string %q was let through", query)
		}
		again, err := server.ReadForm(httptest.NewRecorder(), formRequest("", formType, form.Encode()))
		if err != nil || !sameForm(again, form) {
			t.Fatalf("%q was read as %q, and that as %q, error %v", body, form, again, err)
		}
	})
}

// What net/http reads from a form and what we read is the same, and refused is the same.
func FuzzReadFormAsNetHTTP(f *testing.F) {
	for _, seed := range []string{
		"grant_type=password&username=ann&password=correct+horse", "a=%00&b=%zz&=&&", "a;b=c&d=e", "a=b&a=c&&x", "=x&=y", "a=&a=", "a=&b=&c=%20",
		"resource=a&resource=&resource=b", "x=\t&y=%7f", "x=%ff", "\u00e9=\u20ac", "token=" + strings.Repeat("x", 5000), strings.Repeat("a=b&", 20_000),
		strings.Repeat("&", 10_000), strings.Repeat("&", 9_999), "r=%F0%9F%98&s=%80",
	} {
		f.Add("", seed, true)
		f.Add("x=1&token=", seed, false)
	}
	f.Fuzz(func(t *testing.T, query, body string, lengthKnown bool) {
		ours, theirs := formRequest(query, formType, body), formRequest(query, formType, body)
		if !lengthKnown {
			ours.ContentLength = -1
		}
		form, err := server.ReadForm(httptest.NewRecorder(), ours)
		want, refusals := server.ReadFormByNetHTTP(httptest.NewRecorder(), theirs)
		if err != nil && !slices.Contains(refusals, err.Error()) || err == nil && len(refusals) > 0 {
			t.Fatalf("%q %q: error %v, want one of %q", query, body, err, refusals)
		}
		if err == nil && !sameForm(form, want) {
			t.Fatalf("%q is read as %q, not %q", body, form, want)
		}
	})
}

func FuzzParseObject(f *testing.F) {
	f.Add(`{"refresh_token":"x","scope":"me"}`)
	f.Add(`{"scope":"me","scope":"items"}`)
	f.Add(`{"scope":null,"expires_in":900,"more":{"scope":["x"]}}`)
	f.Add(`{"scope":"\u0000\ud800"}`)
	f.Add(`{"a":"b"} {"a":"b"}`)
	f.Fuzz(func(t *testing.T, body string) {
		form, err := server.ParseObject(body)
		if err != nil {
			return
		}
		wantClean(t, form)
		// Nobody else reads another value from it.
		var members map[string]any
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatalf("%q was taken for an object: %v", body, err)
		}
		for name, value := range members {
			if text, _ := value.(string); text != form.Get(name) {
				t.Fatalf("%s is %q, read as %q", name, text, form.Get(name))
			}
		}
		flat := map[string]string{}
		for name := range form {
			flat[name] = form.Get(name)
		}
		text, err := json.Marshal(flat)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := server.ParseObject(string(text)); err != nil || !sameForm(again, form) {
			t.Fatalf("%q was read as %q, and that as %q, error %v", body, form, again, err)
		}
	})
}

func FuzzBasic(f *testing.F) {
	basic := func(plain string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(plain)) }
	f.Add(basic("app:secret"))
	f.Add(basic("a%3Ab:%2B+%25"))
	f.Add(basic(":"))
	f.Add(basic("a\x00:\r\n"))
	f.Add("bAsIc ====")
	f.Add("Bearer abc")
	f.Fuzz(func(t *testing.T, value string) {
		id, secret, named, err := server.ReadBasic([]string{value})
		if _, _, _, twice := server.ReadBasic([]string{value, value}); twice == nil {
			t.Fatal("two headers were taken")
		}
		if err != nil {
			if id != "" || secret != "" {
				t.Fatalf("%q is refused and gives %q, %q", value, id, secret)
			}
			return
		}
		for _, s := range []string{id, secret} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < 0x80 && unicode.IsControl(r) }) {
				t.Fatalf("%q gives %q, %q", value, id, secret)
			}
		}
		if !named {
			return
		}
		// RFC 6749 §2.3.1: encoded again, they are the same.
		id2, secret2, _, err := server.ReadBasic([]string{basic(url.QueryEscape(id) + ":" + url.QueryEscape(secret))})
		if err != nil || id2 != id || secret2 != secret {
			t.Fatalf("%q: %q, %q is read back as %q, %q, error %v", value, id, secret, id2, secret2, err)
		}
	})
}

func BenchmarkReadForm(b *testing.B) {
	body := form("grant_type", "refresh_token", "client_id", "app", "refresh_token", strings.Repeat("x", 500)).Encode()
	r, w := formRequest("", formType, body), httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		again := *r
		again.Body = io.NopCloser(strings.NewReader(body))
		if _, err := server.ReadForm(w, &again); err != nil {
			b.Fatal(err)
		}
	}
}
