package scopes_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantd/grantd/scopes"
)

func TestDiscoverFindsTheMetadata(t *testing.T) {
	for _, c := range []struct {
		name, issuer string
		paths        []string // as they are tried; the last one has the metadata
	}{
		{"8414-3.1 without a path", localIssuer, []string{oauthMetadata}},
		{"8414-3.1 terminating slash", localIssuer + "/", []string{oauthMetadata}},
		{"8414-3.1 with a path", localIssuer + "/a/b", []string{oauthMetadata + "/a/b"}},
		{"8414-3.1 with a path and a terminating slash", localIssuer + "/a/b/", []string{oauthMetadata + "/a/b"}},
		{"OpenID Connect without a path", localIssuer, []string{oauthMetadata, openidMetadata}},
		{"OpenID Connect with a path", localIssuer + "/a", []string{oauthMetadata + "/a", "/a" + openidMetadata}},
		{"8414-5 OpenID Connect, inserted", localIssuer + "/a", []string{oauthMetadata + "/a", "/a" + openidMetadata, openidMetadata + "/a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite()
			s.issuer, s.metadata["issuer"] = c.issuer, c.issuer
			delete(s.metadata, "revocation_list_uri")
			var tried []string
			for _, path := range []string{oauthMetadata, oauthMetadata + "/a", oauthMetadata + "/a/b", "/a" + openidMetadata, openidMetadata, openidMetadata + "/a"} {
				s.pages[path] = func(w http.ResponseWriter, r *http.Request) {
					if tried = append(tried, r.URL.Path); r.URL.Path == c.paths[len(c.paths)-1] {
						_ = json.NewEncoder(w).Encode(s.metadata)
						return
					}
					http.NotFound(w, r)
				}
			}
			s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
				wantJudge(t, v, s.token(es256), "ok")
				if !slices.Equal(tried, c.paths) {
					t.Errorf("tried %q, want %q", tried, c.paths)
				}
			})
		})
	}
}

func TestDiscoverRefusesMetadata(t *testing.T) {
	for _, c := range []struct {
		name string
		text string
		want string
	}{
		{"8414-3.3 another issuer", `{"issuer":"https://evil.example","jwks_uri":"https://evil.example/jwks"}`, `issuer "https://evil.example", not of "http://127.0.0.1"`},
		{"8414-3.3 a slash more", `{"issuer":"http://127.0.0.1/"}`, `not of "http://127.0.0.1": configure it exactly as the issuer writes itself`},
		{"8414-3.3 no issuer", `{"jwks_uri":"http://127.0.0.1/jwks.json"}`, `issuer ""`},
		{"8414-3.3 issuer twice", `{"issuer":"http://127.0.0.1","issuer":"https://evil.example"}`, "twice"},
		{"8414-3.3 letter case", `{"Issuer":"http://127.0.0.1"}`, `issuer ""`},
		{"8414-3.3 endless issuer", `{"issuer":"` + strings.Repeat("x", 10_000) + `"}`, `xxx..."`},
		{"8414-2 jwks_uri over http", `{"issuer":"http://127.0.0.1","jwks_uri":"http://auth.example.com/jwks.json"}`, "jwks_uri: \"http://auth.example.com/jwks.json\": give an https URL"},
		{"8414-2 no jwks_uri", `{"issuer":"http://127.0.0.1"}`, "names no jwks_uri"},
		{"8414-2 jwks_uri no string", `{"issuer":"http://127.0.0.1","jwks_uri":7}`, "jwks_uri is of the wrong type"},
		{"list over http", `{"issuer":"http://127.0.0.1","jwks_uri":"http://127.0.0.1/jwks.json","revocation_list_uri":"http://a.example/"}`, "revocation_list_uri: "},
		{"no JSON", "<html>", "not a JSON object"},
		{"endless URL", `{"issuer":"http://127.0.0.1","jwks_uri":"https://` + strings.Repeat("x", 10_000) + `"}`, "longer than 2048"},
		{"too large", `{"issuer":"http://127.0.0.1","x":"` + strings.Repeat("x", 256<<10) + `"}`, "more than 262144 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite()
			s.page(oauthMetadata, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(c.text)) })
			var heard []string
			o := scopes.DiscoverOptions{OnError: func(err error) { heard = append(heard, err.Error()) }}
			s.discover(t, o, func(t *testing.T, v *scopes.Verifier) {
				wantJudge(t, v, s.token(es256), "keys_unavailable", c.want)
				if s.count("/jwks.json") > 0 || s.count(openidMetadata) > 0 {
					t.Error("went on")
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if len(heard) != 1 || !strings.Contains(heard[0], c.want) || len(heard[0]) > 600 {
					t.Errorf("heard %q", heard)
				}
			})
		})
	}
}

// An issuer that is elsewhere has nothing at this machine's loopback addresses, which need no https.
func TestDiscoverRefusesLoopbackOfARemoteIssuer(t *testing.T) {
	for address, want := range map[string]string{
		"http://127.0.0.1:1/jwks.json":            "jwks_uri is no https URL",
		"https://127.0.0.1:1/jwks.json":           "jwks_uri is an address of this machine",
		"https://localhost/jwks.json":             "jwks_uri is an address of this machine",
		"https://[::1]/jwks.json":                 "jwks_uri is an address of this machine",
		"https://u:hunter2@auth.example.com/keys": "jwks_uri has a user or password",
	} {
		p := &publisher{}
		p.set(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"issuer":"` + issuer + `","jwks_uri":"` + address + `"}`))
		})
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			v := must(scopes.Discover(ctx, issuer, audience, scopes.DiscoverOptions{Transport: p}))
			wantJudge(t, v, mint(es256), "keys_unavailable", want)
		})
	}
}

func TestDiscoverRefusesArguments(t *testing.T) {
	for issuer, want := range map[string]string{
		"http://auth.example.com":                  "https",
		"https://auth.example.com?tenant=1":        "query",
		"https://auth.example.com?":                "query",
		"https://auth.example.com/#":               "fragment",
		"https://user:secret@auth.example.com":     "password",
		"https://[fe80::1%25eth0]":                 "without a zone",
		"https://:443":                             "name of a host",
		"auth.example.com":                         "https",
		"":                                         "https",
		"https://" + strings.Repeat("a", 3000):     "longer",
		"https://auth.example.com/\x7f":            "invalid",
		"https://user:secret@auth.example.com/?a=": "password",
		"https://user:secret@auth example.com/":    "invalid character",
	} {
		_, err := scopes.Discover(t.Context(), issuer, audience, scopes.DiscoverOptions{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("8414-2 %q: %v, want %s", issuer, err, want)
		}
	}
	_, err := scopes.Discover(t.Context(), "", "", scopes.DiscoverOptions{
		Leeway: -1, Refresh: -1, Revocations: scopes.RevocationOptions{Poll: 2 * time.Minute},
	})
	for _, want := range []string{"issuer", "audience", "Leeway", "Refresh", "Poll is 2m0s: give at most 1m0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	for _, c := range []struct {
		leeway time.Duration
		off    bool
		want   string
	}{
		{2*time.Minute + 1, false, "Leeway is 2m0.000000001s: give at most 2m0s"}, {2 * time.Minute, false, ""},
		{time.Hour, true, ""}, {-1, true, "Leeway is negative"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // whom it takes, it shall not ask
		_, err := scopes.Discover(ctx, issuer, audience, scopes.DiscoverOptions{
			Leeway: c.leeway, Revocations: scopes.RevocationOptions{Off: c.off},
		})
		if err == nil && c.want != "" || err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("Leeway: %v, Off: %t: %v, want %s", c.leeway, c.off, err, c.want)
		}
	}
	for _, o := range []scopes.RevocationOptions{{MaxAge: -1}, {Poll: -1}, {Poll: 5}, {Poll: 99 * time.Millisecond}, {MaxAge: 9 * time.Second}, {Poll: 61 * time.Second, MaxAge: time.Hour}, {Poll: time.Minute, MaxAge: 119 * time.Second}} {
		if _, err := scopes.Discover(t.Context(), issuer, audience, scopes.DiscoverOptions{Revocations: o}); err == nil || !strings.Contains(err.Error(), "Poll") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// What the next address may have is no matter when one fails for now, and neither is what a redirect leads to.
func TestDiscoverDoesNotGoOnAfterAFault(t *testing.T) {
	for status, goesOn := range map[int]bool{500: false, 503: false, 429: false, 408: false, 302: false, 401: false, 403: false, 451: false, 404: true, 400: true, 405: true, 410: true} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			s := newSite()
			s.page(oauthMetadata, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", openidMetadata)
				w.WriteHeader(status)
			})
			s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
				wantJudge(t, v, s.token(es256), "keys_unavailable", oauthMetadata+" answers "+strconv.Itoa(status))
				if went := s.count(openidMetadata) > 0; went != goesOn {
					t.Errorf("went on: %t", went)
				}
			})
		})
	}
}
