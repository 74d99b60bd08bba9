package main

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// An app may send a state of 8 KB of any bytes, which take three times as many in a URL, and
// again more in the URL of the page to sign up, which leads back.
func TestLongAuthorizationRequests(t *testing.T) {
	p := start(t, "dev")
	ask := func(path string, state int) (status int, page string) {
		t.Helper()
		query := url.Values{
			"response_type": {"code"}, "client_id": {"dev"}, "redirect_uri": {"http://127.0.0.1/callback"}, "scope": {"me"},
			"code_challenge": {strings.Repeat("A", 43)}, "code_challenge_method": {"S256"}, "state": {strings.Repeat("\x00", state)},
		}.Encode()
		link := "/authorize?" + query
		if path != "" {
			link = path + "?" + url.Values{"return_to": {link}}.Encode()
		}
		res, err := p.client.Get(p.URL + link)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	for _, path := range []string{"", "/login", "/signup"} {
		if status, page := ask(path, 8<<10); status != http.StatusOK || !strings.Contains(page, strings.Repeat("%00", 8<<10)) {
			t.Errorf("%s: %d with %d bytes", path, status, len(page))
		}
	}
	if status, page := ask("", 12<<10); status != http.StatusBadRequest || !strings.Contains(page, "longer than 32 KB") {
		t.Errorf("too long: %d %.300s", status, page)
	}
}
