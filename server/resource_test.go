package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// wantChallenge checks a refusal of the resource router and that its challenge
// (RFC 6750 §3) says the same as its body. need is the scope of the route.
func (r reply) wantChallenge(t *testing.T, status int, code string, need ...string) {
	t.Helper()
	r.wantError(t, status, code)
	want := fmt.Sprintf(`Bearer realm="grantd", error="%s", error_description="%s"`, code, r.str("error_description"))
	r.wantAuthenticate(t, want, need)
}

// wantPlainChallenge checks the answer to a request without a token. RFC 6750
// §3.1: no error code in the challenge.
func (r reply) wantPlainChallenge(t *testing.T, need ...string) {
	t.Helper()
	r.wantError(t, http.StatusUnauthorized, "invalid_token")
	r.wantAuthenticate(t, `Bearer realm="grantd"`, need)
}

func (r reply) wantAuthenticate(t *testing.T, want string, need []string) {
	t.Helper()
	if len(need) > 0 {
		want += `, scope="` + strings.Join(need, " ") + `"`
	}
	want += `, resource_metadata="http://` + r.Request.URL.Host + `/.well-known/oauth-protected-resource"`
	if got := r.Header.Values("WWW-Authenticate"); len(got) != 1 || got[0] != want {
		t.Errorf("WWW-Authenticate\n %q, want\n %q", got, want)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
}

// list is the body as a list of objects of strings.
func (r reply) list(t testing.TB) []map[string]string {
	t.Helper()
	var list []map[string]string
	if err := json.Unmarshal([]byte(r.body), &list); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	return list
}

func jsonBody(r *http.Request) { r.Header.Set("Content-Type", "application/json") }

// guarded are the routes that need a token.
var guarded = []struct {
	method, path, body string
	need               []string
	lacking            string // a scope that is one short
	ok                 int
}{
	{"GET", "/status/", "", nil, "", 200},
	{"GET", "/users/me/", "", []string{"me"}, "items items:write", 200},
	{"GET", "/users/me/items/", "", []string{"me", "items"}, "me items:write", 200},
	{"POST", "/users/me/items/", `{"item_id":"Bar"}`, []string{"me", "items:write"}, "me items", 201},
}

func TestGuardedRoutes(t *testing.T) {
	s := newSystem(t)
	all := s.login("me items items:write").str("access_token")
	for i, route := range guarded {
		body := func(n int) string { return strings.ReplaceAll(route.body, "Bar", fmt.Sprintf("Bar%d-%d", i, n)) }
		n := 0
		send := func(path string, edits ...edit) reply {
			t.Helper()
			n++
			return s.send(route.method, path, body(n), append([]edit{jsonBody}, edits...)...)
		}
		authorization := func(values ...string) edit {
			return func(r *http.Request) { r.Header["Authorization"] = values }
		}
		t.Run(route.method+" "+route.path, func(t *testing.T) {
			s.t = t
			for _, c := range []struct{ name, authorization string }{
				{"6750-2.1", "Bearer " + all},
				{"9110-11.1 scheme in small letters", "bearer " + all},
				{"9110-11.1 scheme in capitals", "BEARER " + all},
				{"9110-11.1 scheme in any letter case", "bEaReR " + all},
				{"6750-2.1 1*SP", "Bearer   " + all},
			} {
				if res := send(route.path, authorization(c.authorization)); res.StatusCode != route.ok {
					t.Errorf("%s: %d %s", c.name, res.StatusCode, res.body)
				}
			}
			if res := send(strings.TrimSuffix(route.path, "/"), bearer(all)); res.StatusCode != route.ok {
				t.Errorf("without the slash at the end: %d %s", res.StatusCode, res.body)
			}

			// RFC 6750 §3.1: no authentication information
			send(route.path).wantPlainChallenge(t, route.need...)
			send(route.path, as("service", serviceSecret)).wantPlainChallenge(t, route.need...)
			send(route.path, authorization("Basic")).wantPlainChallenge(t, route.need...)
			// Contract §5: a token in the query string is never read.
			send(route.path+"?access_token="+all).wantPlainChallenge(t, route.need...)
			if route.method == "POST" { // RFC 6750 §2.2, which grantd does not offer
				s.post(route.path, form("access_token", all, "item_id", "x")).wantPlainChallenge(t, route.need...)
			}

			// RFC 6750 §3.1: malformed, or more than one method
			for _, values := range [][]string{
				{""}, {"Bearer"}, {"Bearer "}, {"Bearer " + all + " " + all}, {"Bearer " + all + "," + all}, {"Bearer " + all + ", Bearer " + all},
				{"Bearer " + all, "Bearer " + all}, {"Bearer " + all, "Basic eDp5"}, {"Bearer \"" + all + "\""}, {"Bearer =" + all}, {"Bearer tök"},
			} {
				send(route.path, authorization(values...)).wantChallenge(t, http.StatusBadRequest, "invalid_request", route.need...)
			}

			for _, token := range []string{"garbage", "a.b.c", all[:len(all)-3], all + "AAAA", strings.Repeat("A", 10_000)} {
				send(route.path, bearer(token)).wantChallenge(t, http.StatusUnauthorized, "invalid_token", route.need...)
			}
			if route.need != nil {
				lacking := s.login(route.lacking).str("access_token")
				send(route.path, bearer(lacking)).wantChallenge(t, http.StatusForbidden, "insufficient_scope", route.need...)
				none := s.login("").str("access_token")
				send(route.path, bearer(none)).wantChallenge(t, http.StatusForbidden, "insufficient_scope", route.need...)
			}
		})
	}
	t.Run("expired", func(t *testing.T) {
		s.t = t
		s.clock.Add(s.opts.AccessTTL + server.Leeway)
		for _, route := range guarded {
			s.send(route.method, route.path, route.body, jsonBody, bearer(all)).wantChallenge(t, http.StatusUnauthorized, "invalid_token", route.need...)
		}
	})
}

func TestMe(t *testing.T) {
	s := newSystem(t)
	res := s.get("/users/me/", bearer(s.login("me").str("access_token")))
	res.wantOK(t)
	if want := `{"username":"ann","email":"ann@example.com","full_name":"Ann Example","disabled":false}` + "\n"; res.body != want {
		t.Errorf("body %s", res.body)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if res := s.get("/status/", bearer(s.login("").str("access_token"))); res.body != `{"status":"ok"}`+"\n" {
		t.Errorf("body %s", res.body)
	}
}

// A client's own token opens /status/ and nothing that belongs to a user, even
// where a user has the client's id.
func TestTokenOfAClientItself(t *testing.T) {
	s := newSystem(t)
	res := s.post("/token", form("grant_type", "client_credentials", "scope", "me items items:write"), as("service", serviceSecret))
	res.wantOK(t)
	own := bearer(res.str("access_token"))
	s.get("/status/", own).wantOK(t)
	for _, route := range guarded[1:] {
		s.send(route.method, route.path, route.body, jsonBody, own).wantError(t, http.StatusForbidden, "access_denied")
	}
}

// A user who went away a moment ago, before the poll: refused as the guard will.
func TestUserIsGone(t *testing.T) {
	for name, end := range map[string]func(*system) error{
		"disabled": func(s *system) error {
			_, err := s.db.DisableUser(s.t.Context(), "u-ann", s.clock.Now(), s.clock.Now().Add(time.Hour))
			return err
		},
		"deleted": func(s *system) error {
			_, err := s.db.DeleteUser(s.t.Context(), "u-ann", s.clock.Now(), s.clock.Now().Add(time.Hour))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t)
			access := s.login("me items items:write").str("access_token")
			if err := end(s); err != nil {
				t.Fatal(err)
			}
			for _, polled := range []bool{false, true} {
				if polled {
					s.sync()
				}
				for _, route := range guarded[1:] {
					s.send(route.method, route.path, route.body, jsonBody, bearer(access)).wantChallenge(t, http.StatusUnauthorized, "invalid_token", route.need...)
				}
			}
		})
	}
}

func (s *system) addItem(access, id string) reply {
	s.t.Helper()
	return s.post("/users/me/items/", form("item_id", id), bearer(access))
}

// pages follows the Link header from path to the end and gives the items of
// each page.
func (s *system) pages(access, path string) [][]string {
	s.t.Helper()
	var pages [][]string
	for path != "" {
		if len(pages) > 20 {
			s.t.Fatal("the pages have no end")
		}
		res := s.get(path, bearer(access))
		res.wantOK(s.t)
		page := []string{}
		for _, it := range res.list(s.t) {
			if it["owner"] != "ann" || len(it) != 2 {
				s.t.Errorf("item %v", it)
			}
			page = append(page, it["item_id"])
		}
		pages = append(pages, page)
		path = s.next(res)
	}
	return pages
}

// next is the path of the following page, by the grammar of RFC 8288 §3.
func (s *system) next(res reply) string {
	s.t.Helper()
	link := res.Header.Get("Link")
	if link == "" {
		return ""
	}
	target, rel, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	u, err := url.Parse(target)
	if err != nil || rel != `; rel="next"` || u.Scheme+"://"+u.Host != s.opts.Issuer {
		s.t.Fatalf("Link %q", link)
	}
	return u.RequestURI()
}

func TestItemsArePaged(t *testing.T) {
	s := newSystem(t)
	access := s.login("me items items:write").str("access_token")
	if got := s.pages(access, "/users/me/items/"); len(got) != 1 || len(got[0]) != 0 {
		t.Errorf("nothing yet: %q", got)
	}
	if body := s.get("/users/me/items/", bearer(access)).body; body != "[]\n" {
		t.Errorf("nothing yet: %s", body)
	}
	ids := []string{`">; rel="prev", <http://evil.example`, "100%", "Foo", "a b", "a&after=z", "e", "ünïcode", "日本"}
	for _, id := range ids {
		if res := s.addItem(access, id); res.StatusCode != http.StatusCreated {
			t.Fatalf("%q: %d %s", id, res.StatusCode, res.body)
		}
	}
	for _, c := range []struct {
		path string
		want [][]string
	}{
		{"/users/me/items/", [][]string{ids}},
		{"/users/me/items?limit=100", [][]string{ids}},
		{"/users/me/items/?limit=8", [][]string{ids}}, // no page behind a full last one
		{"/users/me/items/?limit=3", [][]string{ids[:3], ids[3:6], ids[6:]}},
		{"/users/me/items/?limit=7", [][]string{ids[:7], ids[7:]}},
		{"/users/me/items/?limit=4&after=Foo", [][]string{ids[3:7], ids[7:]}},
		{"/users/me/items/?after=Foz", [][]string{ids[3:]}}, // no item of that name
		{"/users/me/items/?after=%FF", [][]string{{}}},
		{"/users/me/items/?limit=&after=", [][]string{ids}},
	} {
		if got := s.pages(access, c.path); !slices.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%s:\n %q, want\n %q", c.path, got, c.want)
		}
	}
	if got := s.pages(access, "/users/me/items/?limit=1"); !slices.Equal(slices.Concat(got...), ids) {
		t.Errorf("one by one: %q", got)
	}
	for _, query := range []string{"limit=0", "limit=-1", "limit=101", "limit=x", "limit=1e1", "limit=99999999999999999999", "limit=%", "limit=1;2", "limit=1&limit=2", "after=a&after=b"} {
		s.get("/users/me/items/?"+query, bearer(access)).wantError(t, http.StatusBadRequest, "invalid_request")
	}
}

func TestAddItem(t *testing.T) {
	s := newSystem(t)
	ann := s.login("me items items:write").str("access_token")
	send := func(contentType, body string) reply {
		return s.send("POST", "/users/me/items/", body, header("Content-Type", contentType), bearer(ann))
	}
	const jsonType, urlencoded = "application/json", "application/x-www-form-urlencoded"
	res := send(jsonType, `{"item_id":"Foo"}`)
	if res.StatusCode != http.StatusCreated || res.body != `{"item_id":"Foo","owner":"ann"}`+"\n" {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
	for _, c := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"again", jsonType, `{"item_id":"Foo"}`, 409},
		{"again, as form", urlencoded, "item_id=Foo", 409},
		{"letter case counts", jsonType, `{"item_id":"foo"}`, 201},
		{"a form", urlencoded, "item_id=Bar", 201},
		{"other members are passed over", jsonType, `{"item_id":"Baz","owner":"bob","n":[1,{"item_id":"x"}]}`, 201},
		{"charset", jsonType + "; charset=utf-8", `{"item_id":"c"}`, 201},
		{"escapes", jsonType, `{"item_id":"\u00fc\/"}`, 201},
		{"longest", jsonType, `{"item_id":"` + strings.Repeat("x", 200) + `"}`, 201},
		{"too long", jsonType, `{"item_id":"` + strings.Repeat("x", 201) + `"}`, 422},
		{"empty", jsonType, `{"item_id":""}`, 422},
		{"null", jsonType, `{"item_id":null}`, 422},
		{"blank", jsonType, `{"item_id":" \u2003 "}`, 422},
		{"left out", jsonType, `{}`, 422},
		{"name in capitals", jsonType, `{"ITEM_ID":"y"}`, 422},
		{"NUL", jsonType, `{"item_id":"a\u0000b"}`, 422},
		{"CR LF", jsonType, `{"item_id":"a\r\nLink: b"}`, 422},
		{"C1 control", jsonType, `{"item_id":"a\u0085b"}`, 422},
		{"NUL in a form", urlencoded, "item_id=a%00b", 422},
		{"a change of direction", jsonType, `{"item_id":"a\u202eb"}`, 422},
		{"a space of no width", jsonType, `{"item_id":"a\u200bb"}`, 422},
		{"a line separator", jsonType, `{"item_id":"a\u2028b"}`, 422},
		{"a paragraph separator", jsonType, `{"item_id":"a\u2029b"}`, 422},
		{"not UTF-8 in a form", urlencoded, "item_id=%FF", 422},
		{"not UTF-8", jsonType, "{\"item_id\":\"a\xff\"}", 400},
		{"no string", jsonType, `{"item_id":7}`, 400},
		{"a list", jsonType, `{"item_id":["a"]}`, 400},
		{"twice", jsonType, `{"item_id":"p","item_id":"q"}`, 400},
		{"twice, one escaped", jsonType, `{"item_id":"p","item\u005fid":"q"}`, 400},
		{"twice, one null", jsonType, `{"item_id":"p","item_id":null}`, 400},
		{"twice in a form", urlencoded, "item_id=p&item_id=q", 400},
		{"malformed form", urlencoded, "item_id=%zz", 400},
		{"array", jsonType, `["p"]`, 400},
		{"string", jsonType, `"p"`, 400},
		{"JSON null", jsonType, `null`, 400},
		{"nothing", jsonType, ``, 400},
		{"half", jsonType, `{"item_id":"p"`, 400},
		{"two objects", jsonType, `{"item_id":"p"}{"item_id":"q"}`, 400},
		{"rubbish behind", jsonType, `{"item_id":"p"} p`, 400},
		{"nested deeply", jsonType, strings.Repeat(`{"item_id":`, 5000), 400},
		{"10 MB", jsonType, `{"item_id":"` + strings.Repeat("x", 10<<20) + `"}`, 400},
		{"10 MB of a form", urlencoded, "item_id=" + strings.Repeat("x", 10<<20), 400},
		{"text", "text/plain", `{"item_id":"p"}`, 400},
		{"no type", "", `{"item_id":"p"}`, 400},
		{"bad type", "application/", `{"item_id":"p"}`, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := send(c.contentType, c.body)
			if c.status == http.StatusCreated {
				if res.StatusCode != c.status {
					t.Errorf("%d %s", res.StatusCode, res.body)
				}
				return
			}
			res.wantError(t, c.status, "invalid_request")
			if fields, _ := res.JSON["fields"].(map[string]any); (fields["item_id"] == nil) != (c.status == http.StatusBadRequest) {
				t.Errorf("no word on the field: %s", res.body)
			}
		})
	}
	if got, want := slices.Concat(s.pages(ann, "/users/me/items/")...), []string{"Bar", "Baz", "Foo", "c", "foo", strings.Repeat("x", 200), "ü/"}; !slices.Equal(got, want) {
		t.Errorf("items %q, want %q", got, want)
	}
	// What one user has is free for another.
	if err := s.db.CreateUser(t.Context(), store.User{ID: "u-kim", Username: "kim", PasswordHash: passwordHash}); err != nil {
		t.Fatal(err)
	}
	kim := s.post("/token", form("grant_type", "password", "client_id", "app", "username", "kim", "password", password, "scope", "me items:write"))
	kim.wantOK(t)
	if res := s.addItem(kim.str("access_token"), "Foo"); res.StatusCode != http.StatusCreated || res.str("owner") != "kim" {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
}

func TestSignup(t *testing.T) {
	s := newSystem(t)
	const jsonType, urlencoded = "application/json", "application/x-www-form-urlencoded"
	send := func(contentType, body string) reply {
		return s.send("POST", "/users/", body, header("Content-Type", contentType))
	}
	for _, c := range []struct{ name, contentType, body, want string }{
		{
			"JSON", jsonType, `{"username":"kim","password":"new password","email":"kim@example.com","full_name":"Kim <b>"}`,
			`{"username":"kim","email":"kim@example.com","full_name":"Kim \u003cb\u003e","disabled":false}`,
		},
		{"form", urlencoded, "username=lee&password=new+password", `{"username":"lee","email":"","full_name":"","disabled":false}`},
		{
			"the email as name", jsonType, `{"username":"Max@example.com","password":"new password","email":"max@example.com","disabled":true}`,
			`{"username":"Max@example.com","email":"max@example.com","full_name":"","disabled":false}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := send(c.contentType, c.body)
			if res.StatusCode != http.StatusCreated || res.body != c.want+"\n" {
				t.Fatalf("%d %s, want 201 %s", res.StatusCode, res.body, c.want)
			}
			login := s.post("/token", form("grant_type", "password", "client_id", "app", "username", res.str("username"), "password", "new password", "scope", "me"))
			login.wantOK(t)
			if me := s.get("/users/me/", bearer(login.str("access_token"))); me.body != res.body {
				t.Errorf("profile %s", me.body)
			}
		})
	}
	for _, c := range []struct {
		name, body string
		status     int
		fields     []string
	}{
		{"name taken", `{"username":"ann","password":"new password"}`, 409, []string{"username"}},
		{"name taken in capitals", `{"username":"ANN","password":"new password"}`, 409, []string{"username"}},
		{"email taken", `{"username":"ann2","password":"new password","email":"Ann@Example.com"}`, 409, []string{"email"}},
		{"nothing", `{}`, 422, []string{"password", "username"}},
		{"everything wrong", `{"username":"a b","password":"short","email":"nobody","full_name":"a\nb"}`, 422, []string{"email", "full_name", "password", "username"}},
		{"someone's email as name", `{"username":"ann@example.com","password":"new password"}`, 422, []string{"username"}},
		{"an email as name, another as email", `{"username":"x@example.com","password":"new password","email":"y@example.com"}`, 422, []string{"username"}},
		{"letters that look alike", `{"username":"аnn","password":"new password"}`, 422, []string{"username"}},
		{"long name", `{"username":"` + strings.Repeat("x", 65) + `","password":"new password"}`, 422, []string{"username"}},
		{"NUL in the name", `{"username":"a\u0000","password":"new password"}`, 422, []string{"username"}},
		{"CR LF in the email", `{"username":"x","password":"new password","email":"a@example.com\r\nBcc: b@example.com"}`, 422, []string{"email"}},
		{"long email", `{"username":"x","password":"new password","email":"` + strings.Repeat("x", 200) + `@example.com"}`, 422, []string{"email"}},
		{"email with a name", `{"username":"x","password":"new password","email":"Ann <ann@example.com>"}`, 422, []string{"email"}},
		{"nothing to see in the name", `{"username":"ann\u200b@example.com","email":"ann\u200b@example.com","password":"new password"}`, 422, []string{"email", "username"}},
		{"a change of direction", `{"username":"x","password":"new password","full_name":"Ann \u202egro.elpmaxe"}`, 422, []string{"full_name"}},
		{"a name that is joined as in Persian, but too short a password", `{"username":"x","password":"1","full_name":"علی\u200cرضا"}`, 422, []string{"password"}},
		{"an email that looks alike as name", `{"username":"аnn@example.com","password":"new password","email":"аnn@example.com"}`, 422, []string{"username"}},
		{"control in the email", `{"username":"x","password":"new password","email":"a\u0085@example.com"}`, 422, []string{"email"}},
		{"7 characters", `{"username":"x","password":"1234567"}`, 422, []string{"password"}},
		{"73 bytes", `{"username":"x","password":"` + strings.Repeat("x", 73) + `"}`, 422, []string{"password"}},
		{"25 characters of 3 bytes", `{"username":"x","password":"` + strings.Repeat("日", 25) + `"}`, 422, []string{"password"}},
		{"NUL in the password", `{"username":"x","password":"new\u0000password"}`, 422, []string{"password"}},
		{"password is a number", `{"username":"x","password":1234567890}`, 400, nil},
		{"password twice", `{"username":"x","password":"new password","password":"other password"}`, 400, nil},
		{"name in capitals, besides", `{"username":"x","password":"short","PASSWORD":"new password"}`, 422, []string{"password"}},
		{"10 MB", `{"username":"x","password":"` + strings.Repeat("x", 10<<20) + `"}`, 400, nil},
		{"no JSON", `username=x`, 400, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := send(jsonType, c.body)
			res.wantError(t, c.status, "invalid_request")
			fields, _ := res.JSON["fields"].(map[string]any)
			if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, c.fields) {
				t.Errorf("words on the fields %q, want %q", got, c.fields)
			}
		})
	}
	t.Run("72 bytes", func(t *testing.T) {
		if res := send(jsonType, `{"username":"long","password":"`+strings.Repeat("x", 72)+`"}`); res.StatusCode != http.StatusCreated {
			t.Errorf("%d %s", res.StatusCode, res.body)
		}
	})
	for _, query := range []string{"password=new+password", "username=x&password=", "password=a;b"} {
		s.send("POST", "/users/?"+query, `{"username":"x","password":"new password"}`, jsonBody).wantError(t, http.StatusBadRequest, "invalid_request")
	}
	for _, body := range []string{"username=x&password=new+password&password=new+password", "username=x&username=y&password=new+password", "username=%zz"} {
		send(urlencoded, body).wantError(t, http.StatusBadRequest, "invalid_request")
	}
	if _, err := s.db.UserByLogin(t.Context(), "x"); err == nil {
		t.Error("a refused account was made")
	}
}

func TestSignupIsOff(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.Signup = false })
	s.send("POST", "/users/", `{"username":"x","password":"new password"}`, jsonBody).wantError(t, http.StatusNotFound, "not_found")
}

func TestResourcesAreOff(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.Resources = false })
	access := s.login("me").str("access_token")
	for _, path := range []string{"/", "/status/", "/users/me/", "/users/me/items/", "/.well-known/oauth-protected-resource"} {
		s.get(path, bearer(access)).wantError(t, http.StatusNotFound, "not_found")
	}
}

func TestHome(t *testing.T) {
	s := newSystem(t)
	for _, accept := range []string{"", "*/*", "application/json"} {
		res := s.get("/", header("Accept", accept))
		res.wantOK(t)
		if res.str("issuer") != s.opts.Issuer || res.str("docs") != s.opts.Issuer+"/docs" || res.Header.Get("Content-Type") != "application/json" {
			t.Errorf("Accept %q: %s", accept, res.body)
		}
	}
	page := s.get("/", header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"))
	page.wantOK(t)
	if got := page.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	for name, want := range map[string]string{"Vary": "Accept", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
		if got := page.Header.Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	for _, want := range []string{s.opts.Issuer + "/docs", `<a href="` + s.opts.Issuer + `/account">Sign in, or look after your account</a>`, "GET /users/me/items/</code>, scope <code>me items<", "<!doctype html>"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	s := newSystem(t)
	for _, path := range []string{"/nothing", "/users", "/users/you/", "/token/token", "//token", "/users//me/", "/status/../status/", "/%2e%2e/", "/%74oken", "/status%2f", "/authorize/x"} {
		res := s.get(path)
		if path == "/users" { // there for POST
			res.wantError(t, http.StatusMethodNotAllowed, "method_not_allowed")
			continue
		}
		res.wantError(t, http.StatusNotFound, "not_found")
	}
}

func TestWrongMethod(t *testing.T) {
	s := newSystem(t)
	for _, c := range []struct{ method, path, allow string }{
		{"GET", "/token", "POST, OPTIONS"}, {"PUT", "/token/", "POST, OPTIONS"}, {"PUT", "/refresh", "POST"}, {"DELETE", "/users/me/items/", "GET, HEAD, POST"},
		{"POST", "/status/", "GET, HEAD"}, {"OPTIONS", "/.well-known/jwks.json", "GET, HEAD"}, {"PATCH", "/", "GET, HEAD"},
	} {
		res := s.send(c.method, c.path, "")
		res.wantError(t, http.StatusMethodNotAllowed, "method_not_allowed")
		if got := res.Header.Get("Allow"); got != c.allow {
			t.Errorf("%s %s: Allow %q, want %q", c.method, c.path, got, c.allow)
		}
	}
	head := s.send("HEAD", "/.well-known/jwks.json", "")
	head.wantOK(t)
	if head.body != "" || head.Header.Get("ETag") == "" {
		t.Errorf("HEAD: %q %v", head.body, head.Header)
	}
}
