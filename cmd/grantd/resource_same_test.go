package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// sameRequest is sent to the built-in router and to the one that runs on its own. SIDE in
// its body is another word for each.
type sameRequest struct {
	name, method, path string
	header             http.Header
	body               string
	status             int
}

const sideWord = "SIDE"

// explanation is what dev mode alone adds to a refusal.
var explanation = regexp.MustCompile(`,"explanation":\{[^}]*\}`)

// The router on its own answers as the built-in one: status, headers and body.
func TestResourceRouterAnswersAlike(t *testing.T) {
	t.Parallel()
	a := startApart(t, patient...)
	for _, c := range sameRequests(t, a) {
		t.Run(c.name, func(t *testing.T) {
			builtIn, alone := a.issuer.same(t, c, "here"), a.router.same(t, c, "away")
			if builtIn != alone {
				t.Errorf("built in\n%s\non its own\n%s", builtIn, alone)
			}
			if want := fmt.Sprint(c.status, " "); !strings.HasPrefix(builtIn, want) {
				t.Errorf("want %sfrom both, got\n%s", want, builtIn)
			}
		})
	}
}

// same sends c and returns all that is not of this one answer alone.
func (p *process) same(t *testing.T, c sameRequest, side string) string {
	t.Helper()
	r, err := http.NewRequest(c.method, p.URL+c.path, strings.NewReader(strings.ReplaceAll(c.body, sideWord, side)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = c.header.Clone()
	resp, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.Header.Get("X-Request-Id") == "" {
		t.Fatalf("%v, X-Request-Id %q", err, resp.Header.Get("X-Request-Id"))
	}
	body = bytes.ReplaceAll(body, []byte(resp.Header.Get("X-Request-Id")), []byte("REQUEST"))
	body = explanation.ReplaceAll(body, nil)
	if resp.StatusCode >= 400 {
		resp.Header.Del("Content-Length") // with the explanation
	}
	resp.Header.Del("Date")
	resp.Header.Del("X-Request-Id")
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed {
		resp.Header.Del("Vary") // a server has a page for people there
	}
	text := fmt.Sprintf("%d %v\n%s", resp.StatusCode, resp.Header, body)
	if strings.Contains(c.body, sideWord) {
		text = strings.ReplaceAll(text, side, sideWord)
	}
	return text
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func sameRequests(t *testing.T, a *apart) (list []sameRequest) {
	t.Helper()
	as := func(token string, more ...string) http.Header {
		return headers(append([]string{"Authorization", "Bearer " + token}, more...)...)
	}
	all, few := johndoe(t, a.issuer, "me items items:write"), johndoe(t, a.issuer, "items:write")
	service := tokensOf(t, a.issuer.send("POST", a.issuer.URL+"/token", "grant_type=client_credentials&scope=me+items+items:write", map[string]string{
		"Content-Type": formType, "Authorization": "Basic ZGV2LXNlcnZpY2U6ZGV2LXNlcnZpY2Utc2VjcmV0"})).Access
	credentials := []struct {
		name     string
		header   http.Header
		statuses [4]int // of the four guarded routes
	}{
		{"valid", as(all.Access), [4]int{200, 200, 200, 400}},
		{"6750-3.1 no token", nil, [4]int{401, 401, 401, 401}},
		{"6750-3.1 lacks a scope", as(few.Access), [4]int{200, 403, 403, 403}},
		{"client's own token", as(service), [4]int{200, 403, 403, 403}},
		{"6750-3.1 two headers", headers("Authorization", "Bearer "+all.Access, "Authorization", "Bearer "+all.Access), [4]int{400, 400, 400, 400}},
		{"6750-3.1 malformed header", headers("Authorization", "Bearer"), [4]int{400, 400, 400, 400}},
		{"6750-3.1 two tokens", headers("Authorization", "Bearer "+all.Access+" "+all.Access), [4]int{400, 400, 400, 400}},
		{"another scheme", headers("Authorization", "Basic eDp5"), [4]int{401, 401, 401, 401}},
		{"garbage", as("garbage"), [4]int{401, 401, 401, 401}},
		{"no signature", as(all.Access[:strings.LastIndex(all.Access, ".")+1]), [4]int{401, 401, 401, 401}},
		{"9068-4 refresh token", as(all.Refresh), [4]int{401, 401, 401, 401}},
		{"9068-4 expired", as(a.minted(t, clockError+"=-30m")), [4]int{401, 401, 401, 401}},
		{"9068-4 another audience", as(a.minted(t, "", "--tokens-audience", "https://api.example.com")), [4]int{401, 401, 401, 401}},
		{"9068-4 another issuer", as(a.minted(t, "", "--issuer", "https://login.example.com")), [4]int{401, 401, 401, 401}},
	}
	for i, route := range []string{"GET /status/", "GET /users/me/", "GET /users/me/items/", "POST /users/me/items/"} {
		method, path, _ := strings.Cut(route, " ")
		for _, c := range credentials {
			list = append(list, sameRequest{c.name + " at " + route, method, path, c.header, "", c.statuses[i]})
		}
	}
	asJSON, asForm := as(all.Access, "Content-Type", "application/json"), as(all.Access, "Content-Type", formType)
	signup := func(body string, status int) sameRequest {
		return sameRequest{"sign up " + body, "POST", "/users/", headers("Content-Type", "application/json"), body, status}
	}
	return append(list, []sameRequest{
		{"6750-2.3 token in the query", "GET", "/status/?access_token=" + all.Access, nil, "", 401},
		{"new item", "POST", "/users/me/items/", asJSON, `{"item_id":"of SIDE"}`, 201},
		{"item twice", "POST", "/users/me/items/", asJSON, `{"item_id":"of SIDE"}`, 409},
		{"item in a form", "POST", "/users/me/items", asForm, "item_id=form+of+SIDE", 201},
		{"nameless item", "POST", "/users/me/items/", asJSON, `{}`, 422},
		{"broken item", "POST", "/users/me/items/", asJSON, `{"item_id":`, 400},
		{"8288-3 page", "GET", "/users/me/items/?limit=1", as(all.Access), "", 200},
		{"page after", "GET", "/users/me/items?limit=2&after=Foo", as(all.Access), "", 200},
		{"page of none", "GET", "/users/me/items/?limit=0", as(all.Access), "", 400},
		{"two limits", "GET", "/users/me/items/?limit=1&limit=2", as(all.Access), "", 400},
		signup(`{"username":"user-SIDE","password":"correct horse battery","email":"SIDE@example.com"}`, 201),
		signup(`{"username":"user-SIDE","password":"correct horse battery"}`, 409),
		signup(`{"username":"a b","password":"x","email":"y"}`, 422),
		{"password in the query", "POST", "/users/?password=x", nil, "", 400},
		{"9110-9.3.2 HEAD", "HEAD", "/users/me/", as(all.Access), "", 200},
		{"9110-9.3.2 HEAD without a token", "HEAD", "/users/me/", nil, "", 401},
		{"9110-15.5.6 PUT", "PUT", "/users/me/items/", as(all.Access), "", 405},
		{"9110-15.5.6 OPTIONS", "OPTIONS", "/users/me/", headers("Origin", "https://app.example.com", "Access-Control-Request-Method", "GET"), "", 405},
		{"9110-15.5.5 nothing there", "GET", "/users/you/", as(all.Access), "", 404},
		{"path not cleaned", "GET", "//status/", as(all.Access), "", 404},
		{"home", "GET", "/", nil, "", 200},
		{"home for people", "GET", "/", headers("Accept", "text/html"), "", 200},
		{"9728-3 metadata", "GET", "/.well-known/oauth-protected-resource", headers("Origin", "https://app.example.com"), "", 200},
		{"9728-3 HEAD of metadata", "HEAD", "/.well-known/oauth-protected-resource", nil, "", 200},
		{"9110-13.1.2 metadata as before", "GET", "/.well-known/oauth-protected-resource", headers("If-None-Match", "*"), "", 304},
	}...)
}
