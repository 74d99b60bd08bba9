package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
)

func TestClaimsParameter(t *testing.T) {
	type want = server.ClaimsRequest
	type m = map[string]any
	for _, c := range []struct {
		name, text string
		want       want
	}{
		{"oidc-core-5.5 none", ``, want{}},
		{"oidc-core-5.5 an empty object", `{}`, want{}},
		{"oidc-core-5.5 members that nobody knows are ignored", `{"purpose": {"a": [1, {"b": null}]}, "id_token": {"shoe_size": {"essential": true}}}`, want{}},
		{"oidc-core-5.5 null members", `{"id_token": null, "userinfo": null}`, want{}},
		{"oidc-core-5.5 for /userinfo", `{"userinfo": {"email": null, "name": {"essential": true}}}`, want{Scopes: scopes.Set{"profile", "email"}}},
		{"oidc-core-5.5 for the ID token", `{"id_token": {"email": null, "auth_time": {"essential": true}}}`,
			want{Scopes: scopes.Set{"email"}, IDToken: m{"email": "ann@example.com"}}},
		{"oidc-core-5.5.1 with the right value", `{"id_token": {"preferred_username": {"value": "ann"}, "email_verified": {"values": [true, false]}}}`,
			want{Scopes: scopes.Set{"profile", "email"}, IDToken: m{"preferred_username": "ann", "email_verified": false}}},
		{"oidc-core-5.5.1 with another value", `{"id_token": {"preferred_username": {"value": "bob"}, "email_verified": {"value": "false"}, "name": {"value": {"a": 1}}}}`,
			want{Scopes: scopes.Set{"profile", "email"}}},
		{"oidc-core-5.5.1 sub", `{"id_token": {"sub": {"value": "u-ann"}}, "userinfo": {"sub": {"values": ["u-ann"]}}}`, want{Subject: "u-ann"}},
		{"oidc-core-5.5.1 sub that is no string is nobody's", `{"id_token": {"sub": {"value": 7}}}`, want{Subject: "?"}},
		{"oidc-core-5.5.1.1 acr that is met", `{"id_token": {"acr": {"essential": true, "values": ["2", "1"]}}}`, want{}},
		{"oidc-core-5.5.1.1 acr that is not met", `{"id_token": {"acr": {"essential": true, "values": ["2", "urn:mace:incommon:iap:silver"]}}}`, want{ACRUnmet: true}},
		{"oidc-core-5.5.1.1 acr that need not be met", `{"id_token": {"acr": {"values": ["2"]}}}`, want{}},
		{"oidc-core-5.5.1.1 acr without values", `{"id_token": {"acr": {"essential": true}}}`, want{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := server.ParseClaims(c.text)
			if len(got.IDToken) == 0 {
				got.IDToken = nil
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s\n is %+v, want %+v; error %v", c.text, got, c.want, err)
			}
		})
	}
}

func TestClaimsParameterIsRefused(t *testing.T) {
	many := `{"id_token": {`
	for i := range 101 {
		many += fmt.Sprintf(`"c%d": null, `, i)
	}
	for name, text := range map[string]string{
		"no JSON":                   `{"id_token": {`,
		"something behind it":       `{} {}`,
		"no object":                 `["id_token"]`,
		"a string":                  `"{}"`,
		"a member that is a list":   `{"id_token": ["email"]}`,
		"a claim that is a text":    `{"id_token": {"email": "yes"}}`,
		"essential that is a text":  `{"id_token": {"email": {"essential": "true"}}}`,
		"values that are no list":   `{"id_token": {"acr": {"values": "1"}}}`,
		"values that are none":      `{"id_token": {"acr": {"essential": true, "values": []}}}`,
		"a member twice":            `{"id_token": {"sub": {"value": "u-ann"}}, "id_token": {"sub": {"value": "u-bob"}}}`,
		"a claim twice":             `{"id_token": {"sub": {"value": "u-ann"}, "sub": null}}`,
		"a claim twice, escaped":    `{"id_token": {"sub": null, "\u0073ub": {"value": "u-bob"}}}`,
		"twice in what is ignored":  `{"x": {"a": 1, "a": 2}}`,
		"two subjects":              `{"id_token": {"sub": {"value": "u-ann"}}, "userinfo": {"sub": {"value": "u-bob"}}}`,
		"one of several subjects":   `{"id_token": {"sub": {"values": ["u-ann", "u-bob"]}}}`,
		"bytes that are not UTF-8":  "{\"id_token\": {\"na\xffme\": null}}",
		"longer than the bound":     `{"x": "` + strings.Repeat("x", server.MaxClaims) + `"}`,
		"nested deeply":             strings.Repeat(`{"a":`, 9) + "1" + strings.Repeat("}", 9),
		"nested deeply, with lists": `{"a":` + strings.Repeat(`[`, 1000) + strings.Repeat("]", 1000) + `}`,
		"too many members":          many + `"last": null}}`,
	} {
		t.Run("oidc-core-5.5 "+name, func(t *testing.T) {
			var refused *server.Error
			if got, err := server.ParseClaims(text); !errors.As(err, &refused) || refused.Code != "invalid_request" {
				t.Errorf("%s is %+v, error %v", text, got, err)
			}
		})
	}
}

func FuzzParseClaims(f *testing.F) {
	f.Add(`{"id_token": {"sub": {"value": "u-ann"}, "acr": {"essential": true, "values": ["1", 2, null]}}, "userinfo": {"email": null}}`)
	f.Add(`{"a": 1, "a": 2}`)
	f.Add(`{"userinfo": {"name": {"essential": true}}} `)
	f.Add(strings.Repeat("[", 100))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := server.ParseClaims(text)
		if err != nil {
			var refused *server.Error
			if !errors.As(err, &refused) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if text == "" {
			return // there is none
		}
		if len(text) > server.MaxClaims {
			t.Fatalf("%d bytes were read", len(text))
		}
		// encoding/json, which takes the last of two members, reads the same: there are none.
		var loose map[string]any
		if strict, err := server.StrictObject(text); err != nil || json.Unmarshal([]byte(text), &loose) != nil || !reflect.DeepEqual(strict, loose) {
			t.Fatalf("%q is read as %v and %v; %v; request %+v", text, strict, loose, err, got)
		}
	})
}
