package scopes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantd/grantd/scopes"
)

const (
	loopbackIssuer = "http://127.0.0.1"
	clientID       = "api: one"
	clientSecret   = "+s%cret &=é"
)

// desk is an issuer that answers questions about tokens.
type desk struct {
	mu       sync.Mutex
	metadata map[string]any // in place of, or beside, the usual
	answer   func(w http.ResponseWriter, token string)
	asked    int
	seen     *http.Request
	form     string
	pending  atomic.Int32
	most     atomic.Int32
}

func (d *desk) set(answer func(w http.ResponseWriter, token string)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = answer
}

func (d *desk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == oauthMetadata {
		d.mu.Lock()
		defer d.mu.Unlock()
		about := map[string]any{"issuer": loopbackIssuer, "introspection_endpoint": loopbackIssuer + "/introspect"}
		maps.Copy(about, d.metadata)
		_ = json.NewEncoder(w).Encode(about)
		return
	}
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return // who asked has gone
	}
	form := string(sent)
	r.Body = io.NopCloser(strings.NewReader(form))
	d.mu.Lock()
	d.asked++
	d.seen, d.form = r, form
	answer := d.answer
	d.mu.Unlock()
	d.most.Store(max(d.most.Load(), d.pending.Add(1)))
	defer d.pending.Add(-1)
	answer(w, r.FormValue("token"))
}

// says answers with an introspection of a good token, changed by edits.
func says(edits ...edit) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, _ string) {
		about := map[string]any{
			"active": true, "token_type": "Bearer", "iss": loopbackIssuer, "aud": audience, "sub": "u-1", "client_id": "dev",
			"jti": "j-1", "gid": "g-1", "scope": "me items", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		}
		for _, change := range edits {
			change(nil, about)
		}
		_ = json.NewEncoder(w).Encode(about)
	}
}

func sends(status int, body string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, _ string) {
		w.Header().Set("Location", "https://elsewhere.example.com/introspect")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// introspecting runs a test with an Introspector that asks d, and a clock that the test can move.
func introspecting(t *testing.T, d *desk, o scopes.IntrospectOptions, test func(t *testing.T, i *scopes.Introspector)) {
	t.Helper()
	bubble(t, d.ServeHTTP, func(t *testing.T, transport http.RoundTripper) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		o.ClientID, o.ClientSecret = clientID, clientSecret
		if o.Transport == nil {
			o.Transport = transport
		}
		i, err := scopes.Introspect(ctx, loopbackIssuer, audience, o)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		test(t, i)
	})
}

func TestIntrospect(t *testing.T) {
	d := &desk{answer: says()}
	introspecting(t, d, scopes.IntrospectOptions{}, func(t *testing.T, i *scopes.Introspector) {
		c, err := i.Verify(t.Context(), "opaque+token/=")
		if err != nil || c.Subject != "u-1" || c.ClientID != "dev" || c.GrantID != "g-1" || c.Scope.String() != "me items" || c.ExpiresAt.IsZero() {
			t.Fatalf("7662-2.2 %+v, %v", c, err)
		}
		var more struct{ Active bool }
		if err := c.Decode(&more); err != nil || !more.Active {
			t.Errorf("7662-2.2 the whole answer: %+v %v", more, err)
		}
		if d.form != "token=opaque%2Btoken%2F%3D&token_type_hint=access_token" || d.seen.Method != "POST" || d.seen.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("7662-2.1 %s %v %s", d.seen.Method, d.seen.Header, d.form)
		}
		id, secret, _ := d.seen.BasicAuth()
		if id != "api%3A+one" || secret != "%2Bs%25cret+%26%3D%C3%A9" {
			t.Errorf("6749-2.3.1 %q %q", id, secret)
		}
	})
}

func TestIntrospectRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter, string)
		kind   scopes.Kind
		text   string // a part of the error
	}{
		{"7662-2.2 not active", sends(200, `{"active":false}`), scopes.Inactive, "not active"},
		{"7662-2.2 not active, with more", says(claim("active", false)), scopes.Inactive, "not active"},
		{"6749-7.1 a refresh token", says(claim("token_type", "refresh_token")), scopes.Inactive, "not active"},
		{"6749-7.1 a token that is bound to a key", says(claim("token_type", "DPoP")), scopes.Inactive, "not active"},
		{"6749-7.1 a type that is none", says(claim("token_type", nil)), scopes.Inactive, "not active"},
		{"another issuer", says(claim("iss", "https://evil.example")), scopes.WrongIssuer, "evil"},
		{"another audience", says(claim("aud", []string{"https://other"})), scopes.WrongAudience, audience},
		{"no audience", says(noClaim("aud")), scopes.WrongAudience, audience},
		{"expired", says(claim("exp", 1)), scopes.Expired, "expired at"},
		{"not yet valid", says(claim("nbf", 2e9)), scopes.NotYetValid, "clocks"},

		{"7662-2.2 active is missing", says(noClaim("active")), scopes.Unavailable, `no member "active"`},
		{"7662-2.2 active is a string", says(claim("active", "true")), scopes.Unavailable, `no member "active"`},
		{"7662-2.2 scope is an array", says(claim("scope", []string{"me"})), scopes.Unavailable, "scope"},
		{"7662-2.2 exp is a string", says(claim("exp", "tomorrow")), scopes.Unavailable, "exp"},
		{"a member twice", sends(200, `{"active":true,"aud":"x","active":false}`), scopes.Unavailable, "twice"},
		{"no JSON", sends(200, `<html>`), scopes.Unavailable, "JSON"},
		{"nothing", sends(200, ``), scopes.Unavailable, "JSON"},
		{"7662-2.3 client refused", sends(401, `{"error":"invalid_client"}`), scopes.Unavailable, "may not introspect"},
		{"client may not", sends(403, ``), scopes.Unavailable, "may not introspect"},
		// Some issuers send it for tokens that are odd.
		{"a bad request", sends(400, `{"error":"invalid_request"}`), scopes.Unavailable, "answers 400 Bad Request"},
		{"a fault", sends(500, "stack"), scopes.Unavailable, "500"},
		{"a redirect", sends(307, ""), scopes.Unavailable, "redirects are not followed"},
		{"a long answer", sends(200, `{"active":true,"x":"`+strings.Repeat("x", 1<<20)+`"}`), scopes.Unavailable, "more than"},
		{"an endless answer", func(w http.ResponseWriter, _ string) {
			for range 30 {
				time.Sleep(time.Second)
				_, _ = w.Write([]byte(" "))
				w.(http.Flusher).Flush()
			}
		}, scopes.Unavailable, "breaks off"},
		{"no answer", func(http.ResponseWriter, string) { time.Sleep(time.Minute) }, scopes.Unavailable, "deadline exceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var heard []error
			o := scopes.IntrospectOptions{OnError: func(err error) { heard = append(heard, err) }}
			introspecting(t, &desk{answer: c.answer}, o, func(t *testing.T, i *scopes.Introspector) {
				began := time.Now()
				claims, err := i.Verify(t.Context(), "opaque")
				if wantKind(t, err, c.kind); claims != nil || !strings.Contains(err.Error(), c.text) {
					t.Errorf("%+v, %v; want %q", claims, err, c.text)
				}
				if took := time.Since(began); took > 6*time.Second {
					t.Errorf("it took %v", took)
				}
				if fault := c.kind == scopes.Unavailable; fault != (len(heard) == 1) {
					t.Errorf("the operator heard %v", heard)
				}
				for _, secret := range []string{"opaque", "s%", "stack"} {
					if strings.Contains(fmt.Sprint(err, heard), secret) {
						t.Errorf("%q is in %v, %v", secret, err, heard)
					}
				}
			})
		})
	}
}

func TestIntrospectOptional(t *testing.T) {
	d := &desk{answer: says(noClaim("iss"), noClaim("exp"), noClaim("iat"), noClaim("sub"), noClaim("scope"), noClaim("token_type"), noClaim("jti"))}
	introspecting(t, d, scopes.IntrospectOptions{}, func(t *testing.T, i *scopes.Introspector) {
		if c, err := i.Verify(t.Context(), "opaque"); err != nil || c.Issuer != loopbackIssuer || !c.ExpiresAt.IsZero() {
			t.Errorf("7662-2.2 what is OPTIONAL: %+v, %v", c, err)
		}
	})
}

// Some issuers write nbf 0 where they have nothing to say.
func TestIntrospectNotBeforeZero(t *testing.T) {
	introspecting(t, &desk{answer: says(claim("nbf", 0))}, scopes.IntrospectOptions{}, func(t *testing.T, i *scopes.Introspector) {
		if _, err := i.Verify(t.Context(), "opaque"); err != nil {
			t.Error(err)
		}
	})
}

func TestIntrospectGuards(t *testing.T) {
	d := &desk{answer: says()}
	introspecting(t, d, scopes.IntrospectOptions{CacheFor: -1}, func(t *testing.T, i *scopes.Introspector) {
		guard := scopes.Guard{Verifier: i}
		for name, c := range map[string]struct {
			answer    func(http.ResponseWriter, string)
			status    int
			challenge string
		}{
			"active":            {says(), 200, ""},
			"6750-3.1 inactive": {sends(200, `{"active":false}`), 401, `Bearer realm="` + audience + `", error="invalid_token"`},
			"6750-3.1 scope":    {says(claim("scope", "me")), 403, `Bearer realm="` + audience + `", error="insufficient_scope"`},
			"a fault":           {sends(500, ""), 503, ""},
		} {
			d.set(c.answer)
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/items", nil)
			r.Header.Set("Authorization", "Bearer opaque")
			guard.Require("me", "items")(whoami).ServeHTTP(w, r)
			if got := w.Header().Get("WWW-Authenticate"); w.Code != c.status || !strings.HasPrefix(got, c.challenge) || (c.challenge == "") != (got == "") {
				t.Errorf("%s: %d %s", name, w.Code, got)
			}
		}
	})
}

func TestIntrospectOptionsRefused(t *testing.T) {
	_, err := scopes.Introspect(t.Context(), "ftp://x", "", scopes.IntrospectOptions{Leeway: -1})
	for _, part := range []string{"issuer", "audience", "ClientSecret", "Leeway"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("want all problems in one error, also %s: %v", part, err)
		}
	}
}
