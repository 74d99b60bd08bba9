package server_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// The code flow of OpenID Connect from end to end, section by section.
func TestOpenIDConnect(t *testing.T) {
	s := withApps(t)
	sid, cookie := s.sessionOf("u-ann")
	signedIn := s.clock.Now()
	s.clock.Add(time.Minute)
	tokens := func(pairs ...string) reply {
		res := s.redeem(s.authorize(asked(pairs...), cookie).answer(t).Get("code"))
		res.wantOK(t)
		return res
	}
	first := tokens("scope", "openid offline_access email", "nonce", `n "0" S6_WzA2Mj`)
	id := claimsOf(t, first.str("id_token"))

	t.Run("oidc-core-2 claims of an ID token", func(t *testing.T) {
		now := float64(s.clock.Now().Unix())
		for name, want := range map[string]any{
			"iss": s.opts.Issuer, "sub": "u-ann", "aud": "spa", "iat": now, "exp": now + 900, "auth_time": float64(signedIn.Unix()),
			"nonce": `n "0" S6_WzA2Mj`, "sid": sid, "acr": "1",
		} {
			if id[name] != want {
				t.Errorf("%s is %v, want %v", name, id[name], want)
			}
		}
		if id["email"] != nil { // §5.4: it is to be had at /userinfo
			t.Errorf("nobody asked for %v in the ID token", id)
		}
		s.wantSignedBy(t, first.str("id_token"), headerOf(t, first.str("id_token"), "kid"))
	})
	t.Run("oidc-core-3.1.3.6 at_hash is of the access token that came along", func(t *testing.T) {
		sum := sha256.Sum256([]byte(first.str("access_token")))
		if want := base64.RawURLEncoding.EncodeToString(sum[:16]); id["at_hash"] != want {
			t.Errorf("at_hash %v, want %s", id["at_hash"], want)
		}
	})
	t.Run("oidc-core-3.1.2.1 no ID token without the scope openid", func(t *testing.T) {
		if res := tokens("scope", "me profile", "nonce", "n", "claims", `{"id_token": {"email": null}}`); res.JSON["id_token"] != nil || res.str("scope") != "profile me" {
			t.Errorf("%s", res.body)
		}
	})
	t.Run("oidc-core-5.5 the user consents to what claims asks for by name", func(t *testing.T) {
		res := tokens("scope", "openid", "claims", `{"id_token": {"email": {"essential": true}}, "userinfo": {"name": null}}`)
		if got := claimsOf(t, res.str("id_token")); got["email"] != "ann@example.com" || got["name"] != nil {
			t.Errorf("ID token %v", got)
		}
		info := s.get("/userinfo", bearer(res.str("access_token")))
		if info.wantOK(t); res.str("scope") != "openid profile email" || info.str("name") != "Ann Example" {
			t.Errorf("scope %s, userinfo %s", res.str("scope"), info.body)
		}
	})
	t.Run("oidc-core-5.5.1 sub with the value of another user", func(t *testing.T) {
		s.wantTold(t, s.authorize(asked("scope", "openid", "prompt", "none", "claims", `{"id_token": {"sub": {"value": "u-bob"}}}`), cookie), "login_required")
		s.authorize(asked("scope", "openid", "claims", `{"userinfo": {"sub": {"value": "u-bob"}}}`), cookie).wantPage(t, http.StatusOK) // to sign in
		tokens("scope", "openid", "claims", `{"id_token": {"sub": {"value": "u-ann"}}}`)
	})
	t.Run("oidc-core-5.5.1.1 an acr that is essential and that nobody has", func(t *testing.T) {
		for _, prompt := range []string{"", "none"} {
			res := s.authorize(asked("scope", "openid", "prompt", prompt, "claims", `{"id_token": {"acr": {"essential": true, "values": ["phr"]}}}`), cookie)
			s.wantTold(t, res, "unmet_authentication_requirements")
		}
		tokens("scope", "openid", "acr_values", "phr 2") // voluntary
	})
	t.Run("oidc-core-5.5 a parameter that is malformed", func(t *testing.T) {
		s.wantTold(t, s.authorize(asked("scope", "openid", "claims", `{"id_token": {"sub": null, "sub": null}}`), cookie), "invalid_request")
	})
	t.Run("oidc-core-12.2 the ID token of a refresh", func(t *testing.T) {
		s.clock.Add(time.Minute)
		again := claimsOf(t, s.refreshAs("spa", first).str("id_token"))
		for _, same := range []string{"iss", "sub", "aud", "auth_time", "sid", "acr"} {
			if again[same] != id[same] {
				t.Errorf("%s was %v, is %v", same, id[same], again[same])
			}
		}
		if again["nonce"] != nil || again["iat"] == id["iat"] || again["at_hash"] == id["at_hash"] {
			t.Errorf("%v", again)
		}
	})
}

// OpenID Connect Back-Channel Logout §2.7: what was granted for as long as the person is
// signed in ends with the session; what has offline_access does not.
func TestWhatEndsWithASession(t *testing.T) {
	s := withApps(t)
	_, cookie := s.sessionOf("u-ann")
	tokens := func(scope string) reply {
		res := s.redeem(s.authorize(asked("scope", scope), cookie).answer(t).Get("code"))
		res.wantOK(t)
		return res
	}
	bound, offline, plain := tokens("openid me"), tokens("openid offline_access me"), tokens("me")
	hint := bound.str("id_token")
	s.get("/logout?id_token_hint="+hint, cookie).wantOK(t)
	t.Run("oidc-backchannel-2.7 it ends", func(t *testing.T) {
		if res := s.get("/userinfo", bearer(bound.str("access_token"))); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%d %s", res.StatusCode, res.body)
		}
	})
	t.Run("oidc-backchannel-2.7 it goes on with offline_access", func(t *testing.T) {
		s.get("/userinfo", bearer(offline.str("access_token"))).wantOK(t)
		s.refreshAs("spa", offline).wantOK(t)
		s.refreshAs("spa", plain).wantOK(t) // OAuth alone: an authorization, not a session
	})
}

// Discovery §3: what a document must have, whatever it says.
func TestDiscovery(t *testing.T) {
	for _, path := range []string{"", "/auth", "/a/b"} {
		s := newSystem(t, func(o *server.Options) { o.Issuer += path })
		at := path + "/.well-known/openid-configuration"
		doc := s.get(at)
		doc.wantOK(t)
		t.Run("oidc-discovery-3 required members "+path, func(t *testing.T) {
			for _, name := range []string{
				"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported", "subject_types_supported",
				"id_token_signing_alg_values_supported", "userinfo_endpoint", "scopes_supported", "claims_supported",
			} {
				if doc.JSON[name] == nil {
					t.Errorf("%s is missing", name)
				}
			}
		})
		t.Run("oidc-discovery-4.3 the issuer is the one that was asked "+path, func(t *testing.T) {
			if doc.str("issuer") != s.opts.Issuer || doc.Header.Get("Content-Type") != "application/json" {
				t.Errorf("issuer %s, Content-Type %s", doc.str("issuer"), doc.Header.Get("Content-Type"))
			}
		})
		t.Run("8414-5 the same document at each place "+path, func(t *testing.T) {
			for _, other := range []string{
				path + "/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server" + path, "/.well-known/openid-configuration" + path,
			} {
				if got := s.get(other); got.body != doc.body {
					t.Errorf("%s: %d %s", other, got.StatusCode, got.body)
				}
			}
		})
	}
}

// Nobody is told of the end of a session who was not told of its beginning.
func TestOnlyOpenIDClientsJoinASession(t *testing.T) {
	s := withApps(t)
	base, heard := newBackchannel(t, always(http.StatusOK))
	s.addClient(store.Client{
		ID: "back", Grants: []string{"authorization_code"}, Scopes: []string{"openid", "me"}, RedirectURIs: []string{callback}, FirstParty: true, BackchannelURI: base,
	})
	s.run(t)
	for _, scope := range []string{"me", "openid"} { // the second alone is told
		sid, cookie := s.sessionOf("u-ann")
		s.authorize(asked("client_id", "back", "scope", scope), cookie).answer(t)
		if err := s.srv.EndSessions(t.Context(), store.SessionEnd{UserID: "u-ann", ID: sid}); err != nil {
			t.Fatal(err)
		}
		if scope == "openid" {
			if got := claimsOf(t, next(t, heard).form["logout_token"][0])["sid"]; got != sid {
				t.Errorf("told of %v, want %s", got, sid)
			}
		}
	}
	if len(heard) != 0 {
		t.Errorf("told %d times more", len(heard))
	}
}
