package scopes_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/grantd/grantd/scopes"
)

func TestBearerToken(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers []string
		want    string
		kind    scopes.Kind
	}{
		{"6750-2.1 token", []string{"Bearer mF_9.B5f-4.1JqM"}, "mF_9.B5f-4.1JqM", ""},
		{"6750-2.1 all of b64token", []string{"Bearer aZ09-._~+/=="}, "aZ09-._~+/==", ""},
		{"9110-11.1 scheme in other letter case", []string{"bEARER x"}, "x", ""},
		{"9110-11.4 several spaces", []string{"Bearer   x"}, "x", ""},
		{"6750-3.1 no header", nil, "", scopes.Missing},
		{"6750-3.1 another scheme", []string{"Basic dTpw"}, "", scopes.Missing},
		{"6750-3.1 a scheme that begins alike", []string{"Bearerx y"}, "", scopes.Missing},
		{"6750-3.1 header twice", []string{"Bearer x", "Bearer x"}, "", scopes.Malformed},
		{"6750-3.1 header twice, schemes differ", []string{"Basic dTpw", "Bearer x"}, "", scopes.Malformed},
		{"6750-3.1 header empty", []string{""}, "", scopes.Malformed},
		{"6750-3.1 scheme alone", []string{"Bearer"}, "", scopes.Malformed},
		{"6750-3.1 scheme and space", []string{"Bearer "}, "", scopes.Malformed},
		{"6750-3.1 comma list", []string{"Bearer x, Bearer y"}, "", scopes.Malformed},
		{"6750-3.1 comma", []string{"Bearer x,"}, "", scopes.Malformed},
		{"6750-3.1 two tokens", []string{"Bearer x y"}, "", scopes.Malformed},
		{"6750-3.1 quoted", []string{`Bearer "x"`}, "", scopes.Malformed},
		{"6750-3.1 = in the middle", []string{"Bearer x=y"}, "", scopes.Malformed},
		{"6750-3.1 = alone", []string{"Bearer ="}, "", scopes.Malformed},
		{"6750-3.1 tab", []string{"Bearer \tx"}, "", scopes.Malformed},
		{"6750-3.1 not ASCII", []string{"Bearer é"}, "", scopes.Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := scopes.BearerToken(&http.Request{Header: http.Header{"Authorization": c.headers}})
			if c.kind != "" {
				wantKind(t, err, c.kind)
			} else if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzBearerToken(f *testing.F) {
	f.Add("Bearer mF_9.B5f-4.1JqM==")
	f.Add("bearer  x, Bearer y")
	f.Add("Basic dTpw")
	f.Fuzz(func(t *testing.T, header string) {
		token, err := scopes.BearerToken(&http.Request{Header: http.Header{"Authorization": {header}}})
		var e *scopes.Error
		if (token == "") == (err == nil) || err != nil && !errors.As(err, &e) {
			t.Fatalf("%q gives %q, %v", header, token, err)
		}
		if err == nil && (!strings.HasSuffix(header, " "+token) || strings.ContainsAny(token, " ,\"\t")) {
			t.Fatalf("%q gives %q", header, token)
		}
	})
}
