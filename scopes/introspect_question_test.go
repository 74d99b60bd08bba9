package scopes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantd/grantd/scopes"
)

func TestIntrospectAuthenticates(t *testing.T) {
	for name, c := range map[string]struct {
		methods any
		basic   bool
		text    string // of the error
	}{
		"6749-2.3.1 both":     {[]string{"client_secret_post", "client_secret_basic"}, true, ""},
		"6749-2.3.1 post":     {[]string{"private_key_jwt", "client_secret_post"}, false, ""},
		"no secret at all":    {[]string{"private_key_jwt"}, false, "supports neither client_secret_basic nor client_secret_post"},
		"nothing but a token": {"Bearer", false, "supports neither client_secret_basic nor client_secret_post"},
	} {
		t.Run(name, func(t *testing.T) {
			d := &desk{answer: says(), metadata: map[string]any{"introspection_endpoint_auth_methods_supported": c.methods}}
			introspecting(t, d, scopes.IntrospectOptions{}, func(t *testing.T, i *scopes.Introspector) {
				_, err := i.Verify(t.Context(), "a")
				if c.text != "" {
					if wantKind(t, err, scopes.Unavailable); !strings.Contains(err.Error(), c.text) || d.count() != 0 {
						t.Errorf("%v, asked %d times", err, d.count())
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				_, _, basic := d.seen.BasicAuth()
				if form := must(url.ParseQuery(d.form)); basic != c.basic || (form.Get("client_secret") == clientSecret) == c.basic {
					t.Errorf("%v %v", d.seen.Header, form)
				}
			})
		})
	}
}

// Metadata with a password is of no use, and the password stays out of errors.
func TestIntrospectRefusesPasswords(t *testing.T) {
	d := &desk{answer: says(), metadata: map[string]any{"introspection_endpoint": "http://gateway:hunter2@127.0.0.1/introspect"}}
	introspecting(t, d, scopes.IntrospectOptions{}, func(t *testing.T, i *scopes.Introspector) {
		_, err := i.Verify(t.Context(), "a")
		if wantKind(t, err, scopes.Unavailable); strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "has a user or password") {
			t.Error(err)
		}
	})
}

// The metadata is looked at again when the endpoint that it named is of no use, not just after its hour.
func TestIntrospectFollowsTheEndpoint(t *testing.T) {
	d := &desk{}
	d.set(func(w http.ResponseWriter, token string) {
		if d.seen.URL.Path != "/moved" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		says()(w, token)
	})
	introspecting(t, d, scopes.IntrospectOptions{}, func(t *testing.T, i *scopes.Introspector) {
		d.mu.Lock()
		d.metadata = map[string]any{"introspection_endpoint": loopbackIssuer + "/moved"}
		d.mu.Unlock()
		later(time.Minute)
		_, err := i.Verify(t.Context(), "a")
		wantKind(t, err, scopes.Unavailable)
		synctest.Wait()
		if _, err := i.Verify(t.Context(), "a"); err != nil {
			t.Error(err)
		}
	})
}

// answering is an issuer whose answers a fuzzer writes.
type answering struct{ body string }

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Method == http.MethodPost {
		_, _ = io.WriteString(w, a.body)
	} else {
		fmt.Fprintf(w, `{"issuer":%q,"introspection_endpoint":%q}`, loopbackIssuer, loopbackIssuer+"/introspect")
	}
	return w.Result(), nil
}

func FuzzIntrospection(f *testing.F) {
	a := &answering{}
	i, err := scopes.Introspect(f.Context(), loopbackIssuer, audience, scopes.IntrospectOptions{
		ClientID: "api", ClientSecret: "secret", Transport: a, CacheFor: -1, Now: func() time.Time { return now },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"active":true,"aud":"` + audience + `","scope":"me","exp":2e9}`)
	f.Add(`{"active":false}`)
	f.Fuzz(func(t *testing.T, body string) {
		a.body = body
		claims, err := i.Verify(context.Background(), "opaque")
		var e *scopes.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%q gives %v", body, err)
		}
		if err != nil {
			return
		}
		var said struct{ Active bool }
		if err := json.Unmarshal([]byte(body), &said); err != nil || !said.Active || claims.Audience == nil {
			t.Fatalf("%q gives %+v", body, claims)
		}
	})
}
