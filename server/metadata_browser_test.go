package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// walk proves the members of the metadata that are about browsers and OpenID Connect.
type walk struct {
	*system
	m      map[string]any // the document
	cookie edit           // of ann
}

// proof checks the value of a member.
type proof = func(t *testing.T, value any)

func (s *system) walk(m map[string]any) walk {
	s.t.Helper()
	s.addApps()
	return walk{s, m, s.cookie("u-ann")}
}

// ask sends an authorization request of spa in which ann is signed in.
func (w walk) ask(pairs ...string) reply {
	w.t.Helper()
	return w.get(w.pathOf(w.m["authorization_endpoint"])+"?"+asked(pairs...), w.cookie)
}

// told is what the app was told by a redirect. Nothing, when the person stays here.
func (r reply) told() url.Values {
	u, err := r.Location()
	if err != nil || u.Host != "app.example" {
		return url.Values{}
	}
	return u.Query()
}

func (w walk) works(res reply) bool { return res.told().Has("code") }

// tokens are those of spa's users after a code flow.
func (w walk) tokens(t *testing.T, pairs ...string) reply {
	t.Helper()
	res := w.post(w.pathOf(w.m["token_endpoint"]), redemption(w.ask(pairs...).told().Get("code")))
	res.wantOK(t)
	return res
}

func (w walk) proofs() map[string]proof {
	return map[string]proof{
		"authorization_endpoint": func(t *testing.T, value any) {
			if !w.works(w.ask()) {
				t.Error("no code")
			}
			res := w.post(w.pathOf(value), form("client_id", "spa"))
			if res.StatusCode != http.StatusSeeOther {
				t.Errorf("POST: %d %s", res.StatusCode, res.body)
			}
		},
		"userinfo_endpoint": func(t *testing.T, value any) {
			res := w.get(w.pathOf(value), bearer(w.tokens(t, "scope", "openid").str("access_token")))
			if res.wantOK(t); res.str("sub") != "u-ann" {
				t.Errorf("userinfo %s", res.body)
			}
		},
		"end_session_endpoint": func(t *testing.T, value any) {
			res := w.get(w.pathOf(value), w.system.cookie("u-bob"))
			if res.wantOK(t); !strings.Contains(res.body, "<form") {
				t.Errorf("page %s", res.body)
			}
		},
		"service_documentation": func(t *testing.T, value any) {
			res := w.get(w.pathOf(value))
			if res.wantOK(t); !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
				t.Errorf("Content-Type %s", res.Header.Get("Content-Type"))
			}
		},
		"response_types_supported": func(t *testing.T, value any) {
			wantExactly(t, list(t, value), []string{
				"code", "token", "id_token", "none", "code id_token", "code token", "code id_token token", "id_token token",
			}, func(name string) bool {
				res := w.ask("response_type", name)
				if !w.works(res) && res.told().Get("error") != "unsupported_response_type" {
					t.Errorf("%s: %d %v", name, res.StatusCode, res.told())
				}
				return w.works(res)
			})
		},
		"response_modes_supported": func(t *testing.T, value any) {
			wantExactly(t, list(t, value), []string{"query", "form_post", "fragment", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt", "web_message"}, func(name string) bool {
				res := w.ask("response_mode", name)
				return w.works(res) || strings.Contains(res.body, `name="code"`)
			})
		},
		"code_challenge_methods_supported": func(t *testing.T, value any) {
			wantExactly(t, list(t, value), []string{"S256", "plain", "S512"}, func(name string) bool {
				used := challenge
				if name == "plain" {
					used = verifier
				}
				return w.works(w.ask("code_challenge", used, "code_challenge_method", name))
			})
		},
		"authorization_response_iss_parameter_supported": func(t *testing.T, value any) {
			for _, res := range []reply{w.ask(), w.ask("response_type", "token")} {
				if value != true || res.told().Get("iss") != w.opts.Issuer {
					t.Errorf("%v: told %v", value, res.told())
				}
			}
		},
		"subject_types_supported":               w.proveSubjects,
		"id_token_signing_alg_values_supported": w.proveIDTokenAlgs,
		"claims_supported":                      w.proveClaims,
		"claims_parameter_supported": func(t *testing.T, value any) {
			id := claimsOf(t, w.tokens(t, "scope", "openid", "claims", `{"id_token": {"email": null}}`).str("id_token"))
			if value != true || id["email"] != "ann@example.com" || !w.works(w.ask("scope", "openid")) {
				t.Errorf("%v: %v", value, id)
			}
		},
		"request_parameter_supported":     w.proveRefused("request", "a.b.c", "request_not_supported"),
		"request_uri_parameter_supported": w.proveRefused("request_uri", "https://app.example/request", "request_uri_not_supported"),
		"acr_values_supported": func(t *testing.T, value any) {
			wantExactly(t, list(t, value), []string{"0", "1", "2", "phr", "urn:mace:incommon:iap:silver"}, func(name string) bool {
				return w.works(w.ask("scope", "openid", "claims", `{"id_token": {"acr": {"essential": true, "values": ["`+name+`"]}}}`))
			})
		},
		"prompt_values_supported": func(t *testing.T, value any) {
			wantExactly(t, list(t, value), []string{"none", "login", "consent", "select_account", "create"}, func(name string) bool {
				return w.ask("prompt", name).told().Get("error") == ""
			})
		},
		"ui_locales_supported": func(t *testing.T, value any) {
			wantExactly(t, list(t, value), []string{"en", "de", "fr", "es", "zh"}, func(name string) bool {
				return strings.Contains(w.ask("prompt", "login", "ui_locales", name).body, `<html lang="`+name+`">`)
			})
		},
		"backchannel_logout_supported":         w.proveBackchannel,
		"backchannel_logout_session_supported": w.proveBackchannel,
	}
}

// proveSubjects: OpenID Connect Core §8: with public subjects all clients know a user by one name.
func (w walk) proveSubjects(t *testing.T, value any) {
	spa := claimsOf(t, w.tokens(t, "scope", "openid").str("id_token"))["sub"]
	code := w.get(w.pathOf(w.m["authorization_endpoint"])+"?"+askedBy(true, "scope", "openid"), w.cookie).answer(t).Get("code")
	web := w.post(w.pathOf(w.m["token_endpoint"]), redemption(code, "client_id", "", "redirect_uri", "https://web.example/cb"), as("web", webSecret))
	same := claimsOf(t, web.str("id_token"))["sub"] == spa
	wantExactly(t, list(t, value), []string{"public", "pairwise"}, func(name string) bool { return (name == "public") == same })
}

func (w walk) proveIDTokenAlgs(t *testing.T, value any) {
	candidates := []string{"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519", "HS256", "none"}
	for _, alg := range candidates {
		w.addClient(store.Client{
			ID: "id-" + alg, Grants: []string{"authorization_code"}, Scopes: []string{"openid"}, RedirectURIs: []string{callback}, FirstParty: true, IDTokenAlg: alg,
		})
	}
	wantExactly(t, list(t, value), candidates, func(alg string) bool {
		code := w.ask("client_id", "id-"+alg, "scope", "openid").told().Get("code")
		id := w.post(w.pathOf(w.m["token_endpoint"]), redemption(code, "client_id", "id-"+alg)).str("id_token")
		return id != "" && headerOf(t, id, "alg") == alg
	})
}

// proveClaims finds each claim in an ID token or at /userinfo.
func (w walk) proveClaims(t *testing.T, value any) {
	candidates := []string{
		"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "acr", "amr", "sid", "azp", "jti", "c_hash",
		"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "email", "email_verified",
		"gender", "birthdate", "zoneinfo", "locale", "phone_number", "phone_number_verified", "address", "updated_at",
	}
	wishes := `{"` + strings.Join(candidates, `": null, "`) + `": null}`
	res := w.tokens(t, "scope", "openid profile email", "nonce", "n", "claims", `{"id_token": `+wishes+`, "userinfo": `+wishes+`}`)
	id, info := claimsOf(t, res.str("id_token")), w.get(w.pathOf(w.m["userinfo_endpoint"]), bearer(res.str("access_token"))).JSON
	wantExactly(t, list(t, value), candidates, func(name string) bool { return id[name] != nil || info[name] != nil })
	for _, known := range []map[string]any{id, info} {
		for name := range known {
			if !slices.Contains(candidates, name) {
				t.Errorf("the claim %s is not listed", name)
			}
		}
	}
}

// proveRefused proves that a parameter that is not supported is not passed over.
func (w walk) proveRefused(name, value, code string) proof {
	return func(t *testing.T, supported any) {
		if res := w.ask(name, value); supported != false || res.told().Get("error") != code {
			t.Errorf("%v: told %v", supported, res.told())
		}
	}
}

func (w walk) proveBackchannel(t *testing.T, value any) {
	base, heard := newBackchannel(t, always(http.StatusOK))
	id := "back-" + t.Name()
	w.addClient(store.Client{
		ID: id, Grants: []string{"authorization_code"}, Scopes: []string{"openid"}, RedirectURIs: []string{callback}, FirstParty: true, BackchannelURI: base,
	})
	stop := w.run(t)
	defer stop()
	w.cookie = w.system.cookie("u-ann")
	code := w.ask("client_id", id, "scope", "openid").told().Get("code")
	hint := w.post(w.pathOf(w.m["token_endpoint"]), redemption(code, "client_id", id)).str("id_token")
	w.get(w.pathOf(w.m["end_session_endpoint"])+"?id_token_hint="+hint, w.cookie).wantOK(t)
	logout := next(t, heard).form["logout_token"][0]
	if sid := claimsOf(t, hint)["sid"]; value != true || sid == nil || claimsOf(t, logout)["sid"] != sid || headerOf(t, logout, "alg") != token.RS256 {
		t.Errorf("%v: session %v, told %v", value, sid, claimsOf(t, logout))
	}
}

// Endpoints of other specifications that the metadata does not have are not there.
func (w walk) wantNothingElse(t *testing.T, prefix string) {
	for _, path := range []string{
		"/register", "/par", "/device_authorization", "/bc-authorize", "/checksession", "/.well-known/webfinger", "/.well-known/openid-federation",
	} {
		if res := w.get(prefix + path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}
