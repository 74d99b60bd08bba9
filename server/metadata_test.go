package server_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// path gives the path of a URL of this server.
func (s *system) pathOf(absolute any) string {
	s.t.Helper()
	u, _ := absolute.(string)
	path, ok := strings.CutPrefix(u, s.web.URL)
	if !ok {
		s.t.Fatalf("%v is not a URL of this server", absolute)
	}
	return path
}

// list gives a member of a document that is an array of strings.
func list(t testing.TB, value any) []string {
	t.Helper()
	array, ok := value.([]any)
	if !ok {
		t.Fatalf("%v is no array", value)
	}
	names := make([]string, 0, len(array))
	for _, v := range array {
		names = append(names, v.(string))
	}
	return names
}

// wantExactly checks that each candidate works if it is listed, and only then.
func wantExactly(t *testing.T, listed, candidates []string, works func(string) bool) {
	t.Helper()
	for _, name := range listed {
		if !slices.Contains(candidates, name) {
			t.Errorf("%q is listed, and the test does not know how to try it", name)
		}
	}
	for _, name := range candidates {
		if got, want := works(name), slices.Contains(listed, name); got != want {
			t.Errorf("%q works: %v, is listed: %v", name, got, want)
		}
	}
}

// sendAs sends a form with one of the methods of client authentication that are
// registered (RFC 7591 §2, RFC 8705 §2).
func (s *system) sendAs(method, path string, body url.Values) reply {
	switch method {
	case "client_secret_basic":
		return s.post(path, body, as("service", serviceSecret))
	case "client_secret_post":
		body.Set("client_id", "service")
		body.Set("client_secret", serviceSecret)
	case "none":
		body.Set("client_id", "app")
	case "client_secret_jwt", "private_key_jwt":
		body.Set("client_id", "service")
		body.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		body.Set("client_assertion", "a.b.c")
	default:
		body.Set("client_id", "service")
	}
	return s.post(path, body)
}

var authMethods = []string{
	"none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth",
}

var everyScope = []string{"openid", "profile", "email", "offline_access", "me", "items", "items:write", "admin"}

// Contract §3: metadata lists what works today and nothing else. A new member
// needs a proof here.
func TestServerMetadataIsTrue(t *testing.T) {
	for _, path := range []string{"", "/auth", "/a/b"} {
		t.Run("8414-2 issuer with path "+path, func(t *testing.T) {
			s := newSystem(t, func(o *server.Options) { o.Issuer += path })
			s.addClient(store.Client{
				ID: "all", Grants: []string{"password", "refresh_token"}, Scopes: everyScope,
			})
			doc := s.get("/.well-known/oauth-authorization-server" + path)
			doc.wantOK(t)
			m := doc.JSON
			token := s.pathOf(m["token_endpoint"])
			login := s.post(token, asAnn("client_id", "app"))
			login.wantOK(t)

			w := s.walk(m)
			proofs := map[string]proof{
				"issuer": func(t *testing.T, value any) {
					if iss := claimsOf(t, login.str("access_token"))["iss"]; iss != value {
						t.Errorf("tokens say %v", iss)
					}
					for _, form := range []string{ // RFC 8414 §3.1, §5; OpenID Connect Discovery §4
						path + "/.well-known/oauth-authorization-server", path + "/.well-known/openid-configuration", "/.well-known/openid-configuration" + path,
					} {
						if same := s.get(form); same.body != doc.body {
							t.Errorf("%s: %d %s", form, same.StatusCode, same.body)
						}
					}
				},
				"token_endpoint": func(t *testing.T, value any) { s.post(s.pathOf(value), asAnn("client_id", "app")).wantOK(t) },
				"revocation_endpoint": func(t *testing.T, value any) {
					s.post(s.pathOf(value), form("client_id", "app", "token", "x")).wantOK(t)
				},
				"introspection_endpoint": func(t *testing.T, value any) {
					s.post(s.pathOf(value), form("token", "x"), as("service", serviceSecret)).wantOK(t)
				},
				"jwks_uri": func(t *testing.T, value any) {
					res := s.get(s.pathOf(value))
					res.wantOK(t)
					kid := partOf(t, login.str("access_token"), 0)["kid"].(string)
					if !strings.Contains(res.body, kid) {
						t.Errorf("key %s is not in %s", kid, res.body)
					}
				},
				"revocation_list_uri": func(t *testing.T, value any) {
					list := s.revocationsAt(s.pathOf(value))
					if list.URL != value || list.Issuer != s.opts.Issuer {
						t.Errorf("a list of %s at %s", list.Issuer, list.URL)
					}
				},
				"scopes_supported": func(t *testing.T, value any) {
					wantExactly(t, list(t, value), append(everyScope, "address", "phone", "device_sso"), func(scope string) bool {
						return s.post(token, asAnn("client_id", "all", "scope", scope)).str("scope") == scope
					})
				},
				"grant_types_supported": func(t *testing.T, value any) {
					wantExactly(t, list(t, value), []string{
						"password", "refresh_token", "client_credentials", "authorization_code", "implicit",
						"urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer",
						"urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
					}, func(name string) bool {
						if name == "authorization_code" {
							return w.tokens(t).str("access_token") != ""
						}
						res := s.post(token, form("grant_type", name, "username", "ann", "password", password,
							"refresh_token", s.post(token, asAnn(), as("service", serviceSecret)).str("refresh_token"),
							"assertion", "x", "device_code", "x"), as("service", serviceSecret))
						if res.StatusCode != http.StatusOK {
							res.wantRefusal(t, 400, "unsupported_grant_type")
						}
						return res.StatusCode == http.StatusOK
					})
				},
				"token_endpoint_auth_methods_supported": func(t *testing.T, value any) {
					wantExactly(t, list(t, value), authMethods, func(name string) bool {
						return s.sendAs(name, token, asAnn()).StatusCode == http.StatusOK
					})
				},
				"revocation_endpoint_auth_methods_supported": func(t *testing.T, value any) {
					wantExactly(t, list(t, value), authMethods, func(name string) bool {
						return s.sendAs(name, s.pathOf(m["revocation_endpoint"]), form("token", "x")).StatusCode == http.StatusOK
					})
				},
				"introspection_endpoint_auth_methods_supported": func(t *testing.T, value any) {
					wantExactly(t, list(t, value), authMethods, func(name string) bool {
						return s.sendAs(name, s.pathOf(m["introspection_endpoint"]), form("token", "x")).StatusCode == http.StatusOK
					})
				},
			}
			maps.Copy(proofs, w.proofs())
			w.wantNothingElse(t, path)
			for name, value := range m {
				t.Run(name, func(t *testing.T) {
					prove, ok := proofs[name]
					if !ok {
						t.Fatalf("no proof for %v", value)
					}
					prove(t, value)
				})
			}
			for name := range proofs {
				if _, ok := m[name]; !ok {
					t.Errorf("%s is missing", name)
				}
			}
		})
	}
}

func TestResourceMetadataIsTrue(t *testing.T) {
	for _, path := range []string{"", "/auth"} {
		t.Run("9728-2 issuer with path "+path, func(t *testing.T) {
			s := newSystem(t, func(o *server.Options) { o.Issuer += path })
			refused := s.get(path + "/users/me/items/")
			refused.wantError(t, 401, "invalid_token")
			_, rest, _ := strings.Cut(refused.Header.Get("WWW-Authenticate"), `resource_metadata="`)
			where, _, _ := strings.Cut(rest, `"`)
			doc := s.get(s.pathOf(where))
			doc.wantOK(t)
			if inserted := s.get("/.well-known/oauth-protected-resource" + path); inserted.body != doc.body { // RFC 9728 §3.1
				t.Errorf("at the other well-known place: %d %s", inserted.StatusCode, inserted.body)
			}

			if got, want := doc.JSON["resource"], s.opts.Issuer; got != want { // RFC 9728 §3.3
				t.Errorf("resource %v, want %v", got, want)
			}
			for _, as := range list(t, doc.JSON["authorization_servers"]) {
				if got := s.get(s.pathOf(as) + "/.well-known/oauth-authorization-server").str("issuer"); got != as {
					t.Errorf("the metadata of %s is of %q", as, got)
				}
			}
			token := s.post(path+"/token", asAnn("client_id", "app", "scope", "me items")).str("access_token")
			wantExactly(t, list(t, doc.JSON["bearer_methods_supported"]), []string{"header", "body", "query"}, func(method string) bool {
				switch method {
				case "header":
					return s.get(path+"/users/me/", bearer(token)).StatusCode == http.StatusOK
				case "body":
					r := s.send("GET", path+"/users/me/", "access_token="+token, header("Content-Type", formType))
					return r.StatusCode == http.StatusOK
				}
				return s.get(path+"/users/me/?access_token="+token).StatusCode == http.StatusOK
			})
			// Every listed scope opens a route that is shut without it.
			wantExactly(t, list(t, doc.JSON["scopes_supported"]), []string{"me", "items", "items:write", "admin"}, func(scope string) bool {
				for _, route := range []string{"GET /status/", "GET /users/me/", "GET /users/me/items/", "POST /users/me/items/"} {
					method, at, _ := strings.Cut(route, " ")
					_, rest, _ := strings.Cut(s.send(method, path+at, "").Header.Get("WWW-Authenticate"), `scope="`)
					needed, _, _ := strings.Cut(rest, `"`)
					if slices.Contains(strings.Fields(needed), scope) {
						return true
					}
				}
				return false
			})
		})
	}
	t.Run("contract-2 resources.enabled false", func(t *testing.T) {
		s := newSystem(t, func(o *server.Options) { o.Resources = false })
		for _, path := range []string{"/.well-known/oauth-protected-resource", "/users/me/", "/status/"} {
			s.get(path).wantRefusal(t, 404, "not_found")
		}
	})
}

// RFC 9110 §8.8.3 and §13.1.2.
func TestMetadataIsKept(t *testing.T) {
	s := newSystem(t)
	for path, readers := range map[string]string{
		// Who reads the server's metadata goes on to /token: single-page apps of registered origins (TestCORS).
		"/.well-known/oauth-authorization-server": "", "/.well-known/openid-configuration": "",
		"/.well-known/oauth-protected-resource": "*", "/.well-known/jwks.json": "*",
	} {
		first := s.get(path)
		first.wantOK(t)
		etag := first.Header.Get("ETag")
		for name, want := range map[string]string{"Access-Control-Allow-Origin": readers, "X-Content-Type-Options": "nosniff"} {
			if got := first.Header.Get(name); got != want {
				t.Errorf("%s %s: %q", path, name, got)
			}
		}
		if !strings.HasPrefix(first.Header.Get("Cache-Control"), "public, max-age=") || len(etag) < 10 {
			t.Errorf("%s: Cache-Control %q, ETag %s", path, first.Header.Get("Cache-Control"), etag)
		}
		for _, c := range []struct {
			name, match string
			status      int
		}{
			{"the same", etag, 304},
			{"the same, weak", "W/" + etag, 304},
			{"one of several", `"other", ` + etag, 304},
			{"any", "*", 304},
			{"another", `"other"`, 200},
			{"the same without its quotes", strings.Trim(etag, `"`), 200},
			{"none", "", 200},
		} {
			t.Run("9110-13.1.2 "+path+" If-None-Match "+c.name, func(t *testing.T) {
				res := s.get(path, header("If-None-Match", c.match))
				if res.StatusCode != c.status || (res.body == "") != (c.status == 304) || res.Header.Get("ETag") != etag {
					t.Errorf("%d, %d bytes, ETag %s", res.StatusCode, len(res.body), res.Header.Get("ETag"))
				}
			})
		}
		t.Run("9110-9.3.2 HEAD "+path, func(t *testing.T) {
			res := s.send("HEAD", path, "")
			res.wantOK(t)
			if res.body != "" || res.Header.Get("ETag") != etag {
				t.Errorf("%q, ETag %s", res.body, res.Header.Get("ETag"))
			}
		})
	}
}

// Contract §3: every path that ends in '/' answers without it too, with no redirect.
func TestPathsWithAndWithoutSlash(t *testing.T) {
	for _, prefix := range []string{"", "/auth"} {
		s := newSystem(t, func(o *server.Options) { o.Issuer += prefix })
		token := s.post(prefix+"/token", asAnn("client_id", "app", "scope", "me items items:write"))
		open := bearer(token.str("access_token"))
		for _, path := range []string{
			"/status", "/users/me", "/users/me/items", "/revocations", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server",
		} {
			t.Run("contract-3 "+prefix+path, func(t *testing.T) {
				s.get(prefix+path, open).wantOK(t)
				s.get(prefix+path+"/", open).wantOK(t)
			})
		}
		t.Run("contract-3 "+prefix+"/token", func(t *testing.T) { s.post(prefix+"/token/", asAnn("client_id", "app")).wantOK(t) })
		t.Run("contract-3 "+prefix+"/", func(t *testing.T) { s.get(prefix + "/").wantOK(t) })
		for _, path := range []string{"/nothing", "/token/x", "//token", "/./token", "/Token"} {
			t.Run("9110-15.5.5 "+prefix+path, func(t *testing.T) {
				s.get(prefix+path).wantRefusal(t, http.StatusNotFound, "not_found")
			})
		}
		for path, allow := range map[string]string{
			"/status/": "GET, HEAD", "/users/me/items/": "GET, HEAD, POST", "/users/": "POST", "/.well-known/jwks.json": "GET, HEAD",
		} {
			t.Run("9110-15.5.6 "+prefix+path, func(t *testing.T) {
				res := s.send("DELETE", prefix+path, "", open)
				res.wantRefusal(t, http.StatusMethodNotAllowed, "method_not_allowed")
				if got := res.Header.Get("Allow"); got != allow {
					t.Errorf("Allow %q, want %q", got, allow)
				}
			})
		}
	}
}

// A server with a path in its issuer has nothing outside of it but metadata.
func TestNothingBesideTheIssuersPath(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.Issuer += "/auth/" })
	for _, path := range []string{"/token", "/status/", "/", "/.well-known/jwks.json"} {
		s.get(path).wantRefusal(t, 404, "not_found")
	}
	// RFC 8414 §3.1: the '/' at the end of the issuer is left out.
	for _, path := range []string{"/.well-known/oauth-authorization-server/auth", "/auth/.well-known/oauth-authorization-server"} {
		doc := s.get(path)
		doc.wantOK(t)
		if doc.str("issuer") != s.opts.Issuer || doc.str("token_endpoint") != s.web.URL+"/auth/token" {
			t.Errorf("%s", doc.body)
		}
	}
	res := s.post("/auth/token", asAnn("client_id", "app"))
	res.wantOK(t)
	s.get("/auth/status", bearer(res.str("access_token"))).wantOK(t)
}
