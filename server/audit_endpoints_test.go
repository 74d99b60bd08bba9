package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/store"
)

// What is secret in the requests of auditCases, beside what the server itself gives out.
const (
	wrongPassword = "wrong-password-4711"
	mistyped      = "password-typed-into-the-username-4712"
	forged        = "forged-token-4713"
)

var secretsSent = []string{password, wrongPassword, mistyped, forged, serviceSecret, webSecret, "new horse battery", verifier}

// auditCase is a request to an operation, and the events that come of it: "type outcome subject client", and for a refusal its reason.
type auditCase struct {
	operation, name string
	do              func(s *system) reply
	want            []string
}

// auditCases have a case for every operation, the ones that change nothing too.
func auditCases() []auditCase {
	return slices.Concat(tokenEvents(), otherClientEvents(), resourceEvents(), pageEvents(), accountEvents(), documentEvents())
}

func tokenEvents() []auditCase {
	const op = "POST /token"
	refused := func(reason, code, client string) []string {
		return []string{"request.refused " + code + " - " + client + " " + reason}
	}
	return []auditCase{
		{op, "password", func(s *system) reply { return s.login("me") }, []string{"login.new_place ok u-ann app", "login.succeeded ok u-ann app", "grant.created ok u-ann app"}},
		{op, "wrong password", func(s *system) reply { return s.loginAs("ann", wrongPassword) }, []string{"login.refused invalid_grant u-ann app wrong_password"}},
		{op, "disabled user", func(s *system) reply { return s.loginAs("eve", password) }, []string{"login.refused invalid_grant u-eve app user_disabled"}},
		{op, "password as username", func(s *system) reply { return s.loginAs(mistyped, wrongPassword) }, []string{"login.refused invalid_grant - app user_unknown"}},
		{op, "client_credentials", func(s *system) reply {
			return s.post("/token", form("grant_type", "client_credentials"), as("service", serviceSecret))
		}, []string{"token.issued ok - service"}},
		{op, "wrong client secret", func(s *system) reply {
			return s.post("/token", form("grant_type", "client_credentials"), as("service", forged))
		}, refused("client_secret_wrong", "invalid_client", "service")},
		{op, "client that may not", func(s *system) reply {
			return s.post("/token", form("grant_type", "client_credentials", "client_id", "app"))
		}, refused("grant_type_not_for_client", "unauthorized_client", "app")},
		{op, "unknown grant type", func(s *system) reply { return s.post("/token", form("grant_type", "magic", "client_id", "app")) },
			refused("grant_type_unknown", "unsupported_grant_type", "app")},
		{op, "code", func(s *system) reply { return s.redeem(s.code(asked())) }, []string{"grant.created ok u-ann spa"}},
		{op, "code of nobody", func(s *system) reply { return s.redeem(forged) }, refused("code_unknown", "invalid_grant", "spa")},
		{op, "code used twice", func(s *system) reply {
			code := s.code(asked())
			s.redeem(code).wantOK(s.t)
			return s.redeem(code)
		}, []string{"authorization_code.reused ok u-ann spa", "request.refused invalid_grant u-ann spa code_reused"}},
		{op, "refresh", func(s *system) reply { return s.refresh(s.login("me").str("refresh_token")) }, []string{"refresh_token.rotated ok u-ann app"}},
		{op, "refresh repeated", func(s *system) reply {
			first := s.login("me").str("refresh_token")
			s.refresh(first).wantOK(s.t)
			return s.refresh(first)
		}, []string{"refresh_token.repeated ok u-ann app"}},
		{op, "refresh reused", func(s *system) reply {
			first := s.login("me").str("refresh_token")
			second := s.refresh(first).str("refresh_token")
			s.refresh(second).wantOK(s.t)
			return s.refresh(first)
		}, []string{"refresh_token.reused ok u-ann app", "request.refused invalid_grant u-ann app refresh_token_reused"}},
		{op, "refresh of another client", func(s *system) reply {
			return s.refresh(s.login("me").str("refresh_token"), "client_id", "other")
		}, refused("parameter_repeated", "invalid_request", "-")},
		{op, "secret in the query", func(s *system) reply {
			return s.post("/token?password="+forged, form("grant_type", "password", "client_id", "app"))
		}, refused("parameter_in_query", "invalid_request", "-")},
		{"POST /refresh", "refresh", func(s *system) reply {
			return s.post("/refresh", form("refresh_token", s.login("me").str("refresh_token")))
		}, []string{"refresh_token.rotated ok u-ann app"}},
		{"POST /refresh", "forged", func(s *system) reply { return s.post("/refresh", form("refresh_token", forged)) },
			refused("refresh_token_invalid", "invalid_grant", "-")},
	}
}

func otherClientEvents() []auditCase {
	service := as("service", serviceSecret)
	return []auditCase{
		{"POST /revoke", "refresh token", func(s *system) reply {
			return s.post("/revoke", form("client_id", "app", "token", s.login("me").str("refresh_token")))
		}, []string{"grant.revoked ok u-ann app"}},
		{"POST /revoke", "access token", func(s *system) reply {
			return s.post("/revoke", form("client_id", "app", "token", s.login("me").str("access_token")))
		}, []string{"access_token.revoked ok u-ann app"}},
		{"POST /revoke", "of another client", func(s *system) reply {
			return s.post("/revoke", form("client_id", "other", "token", s.login("me").str("access_token")))
		}, []string{"request.refused invalid_grant - other token_of_another_client"}},
		{"POST /revoke", "of nobody", func(s *system) reply { return s.post("/revoke", form("client_id", "app", "token", forged)) }, nil},
		{"POST /introspect", "active", func(s *system) reply {
			return s.post("/introspect", form("token", s.login("me").str("access_token")), service)
		}, nil},
		{"POST /introspect", "inactive", func(s *system) reply { return s.post("/introspect", form("token", forged), service) }, nil},
		{"POST /introspect", "by who may not", func(s *system) reply {
			return s.post("/introspect", form("token", forged), as("plain-service", "plain"))
		}, []string{"request.refused unauthorized_client - plain-service introspection_not_for_client"}},
	}
}

func resourceEvents() []auditCase {
	access := func(s *system, scope string) edit { return bearer(s.login(scope).str("access_token")) }
	return []auditCase{
		{"GET /status/", "with a token", func(s *system) reply { return s.get("/status/", access(s, "me")) }, nil},
		{"GET /status/", "without one", func(s *system) reply { return s.get("/status/") }, []string{"request.refused invalid_token - - token_missing"}},
		{"GET /users/me/", "with a token", func(s *system) reply { return s.get("/users/me/", access(s, "me")) }, nil},
		{"GET /users/me/", "with a forged one", func(s *system) reply { return s.get("/users/me/", bearer(forged)) }, []string{"request.refused invalid_token - - token_malformed"}},
		{"GET /users/me/items/", "lacks a scope", func(s *system) reply { return s.get("/users/me/items/", access(s, "me")) },
			[]string{"request.refused insufficient_scope u-ann app token_lacks_scope"}},
		{"POST /users/me/items/", "adds", func(s *system) reply {
			return s.send("POST", "/users/me/items/", `{"item_id":"Foo"}`, jsonBody, access(s, "me items:write"))
		}, nil},
		{"POST /users/", "signs up", func(s *system) reply {
			return s.send("POST", "/users/", `{"username":"zoe","password":"`+password+`"}`, jsonBody)
		}, []string{"user.added ok new -"}},
		{"POST /users/", "taken", func(s *system) reply {
			return s.send("POST", "/users/", `{"username":"ann","password":"`+password+`"}`, jsonBody)
		}, []string{"request.refused invalid_request - - account_taken"}},
		{"GET /userinfo", "with a token", func(s *system) reply {
			return s.get("/userinfo", bearer(s.redeem(s.code(asked("scope", "openid"))).str("access_token")))
		}, nil},
		{"POST /userinfo", "without one", func(s *system) reply { return s.post("/userinfo", form()) }, []string{"request.refused invalid_token - - token_missing"}},
	}
}

func pageEvents() []auditCase {
	signIn := func(s *system, password string) reply {
		return s.post("/login", form("username", "ann", "password", password))
	}
	return []auditCase{
		{"GET /authorize", "signed in", func(s *system) reply { return s.authorize(asked(), s.cookie("u-ann")) }, []string{"authorization.granted ok u-ann spa"}},
		{"GET /authorize", "not signed in", func(s *system) reply { return s.authorize(asked()) }, nil},
		{"GET /authorize", "redirect URI of nobody", func(s *system) reply { return s.authorize(asked("redirect_uri", "https://evil.example/cb")) },
			[]string{"request.refused invalid_request - spa redirect_uri_unregistered"}},
		{"GET /authorize", "told the app", func(s *system) reply { return s.authorize(asked("scope", "nonsense")) },
			[]string{"request.refused invalid_scope - spa scope_unknown"}},
		{"POST /authorize", "as a form", func(s *system) reply {
			v, _ := url.ParseQuery(asked())
			return s.post("/authorize", v, s.cookie("u-ann"))
		}, nil},
		{"GET /login", "the page", func(s *system) reply { return s.get("/login") }, nil},
		{"POST /login", "signs in", func(s *system) reply { return signIn(s, password) }, []string{"login.new_place ok u-ann -", "login.succeeded ok u-ann -", "session.started ok u-ann -"}},
		{"POST /login", "wrong password", func(s *system) reply { return signIn(s, wrongPassword) }, []string{"login.refused invalid_grant u-ann - wrong_password"}},
		{"POST /login", "from another site", func(s *system) reply {
			return s.post("/login", form("username", "ann", "password", password), from(otherSite))
		}, []string{"request.refused invalid_request - - cross_site_form"}},
		{"GET /signup", "the page", func(s *system) reply { return s.get("/signup") }, nil},
		{"POST /signup", "signs up", func(s *system) reply {
			return s.post("/signup", form("username", "yan", "password", password))
		}, []string{"user.added ok new -", "login.succeeded ok new -", "session.started ok new -"}},
		{"POST /consent", "allows", func(s *system) reply { return s.consent("allow") }, []string{"consent.given ok u-ann third", "authorization.granted ok u-ann third"}},
		{"POST /consent", "denies", func(s *system) reply { return s.consent("deny") }, []string{"consent.denied ok u-ann third", "request.refused access_denied - third consent_denied"}},
		{"GET /logout", "asks", func(s *system) reply { return s.get("/logout", s.cookie("u-ann")) }, nil},
		{"POST /logout", "signs out", func(s *system) reply {
			sid, cookie := s.sessionOf("u-ann")
			return s.post("/logout", form("decision", "sign-out", "session", sid), cookie)
		}, []string{"session.ended ok u-ann -"}},
	}
}

func accountEvents() []auditCase {
	return []auditCase{
		{"GET /account", "the page", func(s *system) reply { return s.get("/account", s.cookie("u-ann")) }, nil},
		{"POST /account/revoke", "an app", func(s *system) reply { return s.post("/account/revoke", form("app", "third"), s.cookie("u-ann")) },
			[]string{"consent.revoked ok u-ann third"}},
		{"POST /account/sessions", "a session", func(s *system) reply {
			sid, cookie := s.sessionOf("u-ann")
			return s.post("/account/sessions", form("session", sid), cookie)
		}, []string{"session.ended ok u-ann -"}},
		{"POST /account/password", "wrong", func(s *system) reply {
			return s.post("/account/password", form("current_password", wrongPassword, "new_password", "new horse battery", "new_password_again", "new horse battery"), s.cookie("u-ann"))
		}, []string{"login.refused invalid_grant u-ann - wrong_password"}},
		{"POST /account/password", "changes it", func(s *system) reply {
			return s.post("/account/password", form("current_password", password, "new_password", "new horse battery", "new_password_again", "new horse battery"), s.cookie("u-bob"))
		}, []string{"password.changed ok u-bob -", "session.ended ok u-bob -", "session.started ok u-bob -"}},
	}
}

// documentEvents are none: what anybody may read nobody decides on, nor on paths that are not there.
func documentEvents() (cases []auditCase) {
	for _, path := range []string{
		"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/oauth-protected-resource", "/.well-known/jwks.json",
		"/revocations", "/openapi.json", "/docs", "/docs/init.js", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/oauth2-redirect.html",
		"/docs/oauth2-redirect.js", "/", "/assets/pages.css", "/assets/form_post.js", "/assets/icon.svg",
	} {
		cases = append(cases, auditCase{"GET " + path, "anybody", func(s *system) reply { return s.get(path) }, nil})
	}
	return append(cases, auditCase{"", "nothing there", func(s *system) reply { return s.get("/nothing/" + forged) }, nil},
		auditCase{"", "wrong method", func(s *system) reply { return s.get("/token?code=" + forged) }, nil})
}

// consent has ann answer what third asks for.
func (s *system) consent(decision string) reply {
	s.t.Helper()
	sid, cookie := s.sessionOf("u-ann")
	return s.post("/consent", form("request", askedByThird("me"), "decision", decision, "session", sid, "asked", "me", "scope.me", "on"), cookie)
}

// eventsOf are the events of a request, of both chains.
func (s *system) eventsOf(res reply) (found []store.StoredEvent) {
	s.t.Helper()
	s.srv.FlushEvents(s.t.Context())
	for _, chain := range []string{store.Decisions, store.Routine} {
		events, err := s.db.Events(s.t.Context(), store.EventFilter{Chain: chain, RequestID: res.Header.Get("X-Request-Id")})
		if err != nil {
			s.t.Fatal(err)
		}
		found = append(found, events...)
	}
	return found
}

// eventWords is an event as auditCase has it.
func eventWords(e store.StoredEvent) string {
	if known := map[string]bool{"u-ann": true, "u-bob": true, "u-eve": true, "": true}; !known[e.Subject] {
		e.Subject = "new"
	}
	words := []string{e.Type, e.Outcome, e.Subject, e.ClientID}
	if reason, _ := e.Detail["reason"].(string); reason != "" {
		words = append(words, reason)
	}
	for i := range words {
		if words[i] == "" {
			words[i] = "-"
		}
	}
	return strings.Join(words, " ")
}

// Each operation leaves the events that it should, and none of them, nor a line of the log, has a secret in it. An operation that
// is added needs a case.
func TestEventsOfEveryOperation(t *testing.T) {
	s := withApps(t)
	secrets := map[string]string{}
	for _, secret := range secretsSent {
		secrets[secret] = "what was sent"
	}
	missing := operations(t, s)
	s.get("/.well-known/jwks.json").wantOK(t) // which makes keys that are missing
	for _, c := range auditCases() {
		delete(missing, c.operation)
		res := c.do(s)
		var got []string
		for _, e := range s.eventsOf(res) {
			got = append(got, eventWords(e))
			if e.Address != "127.0.0.1" || !e.At.Equal(s.clock.Now()) {
				t.Errorf("%s %s: %s from %q at %v", c.operation, c.name, e.Type, e.Address, e.At)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s, %s (%d):\n got %q\nwant %q", c.operation, c.name, res.StatusCode, got, c.want)
		}
		secretsOf(res, c.operation+", "+c.name, secrets)
	}
	for operation := range missing {
		t.Errorf("%s has no case: say in auditCases what events it leaves", operation)
	}
	s.wantNoSecrets(t, secrets)
}

// operations are all that the server answers: those of openapi.json, and the pages.
func operations(t *testing.T, s *system) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(s.srv.RouteTable())
	for path, methods := range doc.Paths {
		for method := range methods {
			all[strings.ToUpper(method)+" "+path] = true
		}
	}
	return all
}

// secretsOf adds what the server gave out.
func secretsOf(res reply, from string, secrets map[string]string) {
	for _, name := range []string{"access_token", "refresh_token", "id_token"} {
		if token := res.str(name); token != "" {
			secrets[token] = from
			secrets[token[strings.LastIndex(token, ".")+1:]] = from
		}
	}
	if to, err := res.Location(); err == nil && to.Query().Get("code") != "" {
		secrets[to.Query().Get("code")] = from
	}
	for _, cookie := range res.Cookies() {
		if cookie.Value != "" {
			secrets[cookie.Value] = from
		}
	}
}

func (s *system) wantNoSecrets(t *testing.T, secrets map[string]string) {
	t.Helper()
	if len(secrets) < 20 {
		t.Fatalf("only %d secrets were seen", len(secrets))
	}
	text := s.log.String()
	for _, chain := range []string{store.Decisions, store.Routine} {
		events, err := s.db.Events(t.Context(), store.EventFilter{Chain: chain})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			text += fmt.Sprintf("%+v\n", e)
		}
	}
	for secret, from := range secrets {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("a secret of %s is in the log: %q", from, text[max(0, i-200):i+len(secret)])
		}
	}
}
