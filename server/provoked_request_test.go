package server_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// tokenRequest is a provocation that is a form for POST /token.
func tokenRequest(word reason.Word, name string, body url.Values, edits ...edit) provocation {
	return provocation{reason: word, name: name, refused: func(_ *testing.T, s *system) reply { return s.post("/token", body, edits...) }}
}

// sends is a provocation that is any request.
func sends(word reason.Word, name, method, path, body string, edits ...edit) provocation {
	return provocation{reason: word, name: name, refused: func(_ *testing.T, s *system) reply { return s.send(method, path, body, edits...) }}
}

var asForm = header("Content-Type", "application/x-www-form-urlencoded")

var provokedRequests = []provocation{
	sends(reason.PathUnknown, "", "GET", "/nothing", ""),
	sends(reason.MethodWrong, "", "GET", "/token", ""),
	sends(reason.ContentTypeWrong, "JSON", "POST", "/token", "{}", jsonBody),
	sends(reason.ContentTypeWrong, "no type", "POST", "/token", "a=b"),
	sends(reason.ContentTypeWrong, "an authorization request", "POST", "/authorize", "{}", jsonBody),
	sends(reason.ContentTypeWrong, "sign-up", "POST", "/users/", "x", header("Content-Type", "text/plain")),
	sends(reason.BodyTooLong, "", "POST", "/token", "x="+strings.Repeat("y", 70_000), asForm),
	sends(reason.BodyTooLong, "sign-up", "POST", "/users/", strings.Repeat(" ", 70_000), jsonBody),
	{reason: reason.BodyUnreadable, refused: func(t *testing.T, s *system) reply { return s.breakOff(t) }},
	sends(reason.FormMalformed, "", "POST", "/token", "a=%zz", asForm),
	sends(reason.FormMalformed, "sign-up", "POST", "/users/", "a=%zz", asForm),
	sends(reason.JSONMalformed, "", "POST", "/refresh", "[]", jsonBody),
	sends(reason.JSONMalformed, "a number", "POST", "/refresh", `{"refresh_token":1}`, jsonBody),
	sends(reason.JSONMalformed, "sign-up", "POST", "/users/", "[]", jsonBody),
	sends(reason.QueryMalformed, "", "POST", "/token?a=%zz", "", asForm),
	sends(reason.ParameterInQuery, "", "POST", "/token?password=x", "", asForm),
	sends(reason.ParameterInQuery, "sign-up", "POST", "/users/?password=x", "{}", jsonBody),
	tokenRequest(reason.ParameterRepeated, "", url.Values{"scope": {"me", "me"}}),
	sends(reason.ParameterRepeated, "sign-up", "POST", "/users/", `{"username":"a","username":"b"}`, jsonBody),
	tokenRequest(reason.ParameterMalformed, "", form("username", "a\x00")),
	tokenRequest(reason.ParameterMissing, "", form("grant_type", "password", "client_id", "app")),
	{reason: reason.ParameterMissing, name: "revoke", refused: func(_ *testing.T, s *system) reply { return s.post("/revoke", form("client_id", "app")) }},
	{reason: reason.ParameterMissing, name: "introspect", refused: func(_ *testing.T, s *system) reply {
		return s.post("/introspect", form(), as("service", serviceSecret))
	}},
	{reason: reason.ParameterMissing, name: "refresh", refused: func(_ *testing.T, s *system) reply { return s.post("/refresh", form()) }},
	sends(reason.ParameterMisplaced, "", "POST", "/authorize", asked("client_secret", "x"), asForm),
	tokenRequest(reason.GrantTypeMissing, "", form("client_id", "app")),
	tokenRequest(reason.GrantTypeUnknown, "", form("grant_type", "magic", "client_id", "app")),
	{reason: reason.RefreshOnly, refused: func(_ *testing.T, s *system) reply { return s.post("/refresh", form("grant_type", "password")) }},
	{reason: reason.RefreshTokenTwice, refused: func(_ *testing.T, s *system) reply {
		one, other := s.login("me").str("refresh_token"), s.login("me").str("refresh_token")
		return s.post("/refresh", form("refresh_token", one), bearer(other))
	}},
	sends(reason.GzipNeeded, "", "GET", "/docs/swagger-ui.css", "", header("Accept-Encoding", "identity")),
	sends(reason.RequestUnreadable, "", "GET", "/authorize?client_id=%zz", ""),
	sends(reason.RequestUnreadable, "too long", "POST", "/authorize", asked("state", strings.Repeat("x", 40_000)), asForm),
	sends(reason.RequestUnreadable, "sign-out", "GET", "/logout?client_id=%zz", ""),
	sends(reason.ParametersTwoPlaces, "", "POST", "/authorize?client_id=spa", asked(), asForm),
}

// breakOff sends half of what it said that it would send.
func (s *system) breakOff(t *testing.T) reply {
	t.Helper()
	conn, err := net.Dial("tcp", s.web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na=")
	conn.(*net.TCPConn).CloseWrite()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return replyOf(res, body)
}

// credentials asks for a token in a client's own name.
func credentials(word reason.Word, name string, edits ...edit) provocation {
	return tokenRequest(word, name, form("grant_type", "client_credentials"), edits...)
}

var provokedClients = []provocation{
	tokenRequest(reason.ClientMissing, "", form("grant_type", "client_credentials")),
	sends(reason.ClientMissing, "at /authorize", "GET", "/authorize?"+asked("client_id", ""), ""),
	sends(reason.ClientMissing, "at /logout", "GET", "/logout?post_logout_redirect_uri=https://x.example/", ""),
	credentials(reason.ClientUnknown, "", as("nobody", "x")),
	sends(reason.ClientUnknown, "at /authorize", "GET", "/authorize?"+asked("client_id", "nobody"), ""),
	sends(reason.ClientUnknown, "at /logout", "GET", "/logout?client_id=nobody", ""),
	credentials(reason.ClientSecretWrong, "", as("service", "wrong")),
	tokenRequest(reason.ClientSecretWrong, "in the body", form("grant_type", "client_credentials", "client_id", "service", "client_secret", "wrong")),
	credentials(reason.ClientSecretMissing, "", as("service", "")),
	credentials(reason.ClientSecretUnexpected, "", as("app", "x")),
	credentials(reason.ClientSecretMiscopied, "", as("service", lastChanged(server.NewClientSecret()))),
	{reason: reason.ClientSecretNotEncoded, refused: func(_ *testing.T, s *system) reply {
		s.addClient(store.Client{ID: "old", SecretHash: server.HashSecret("a+b"), Grants: []string{"client_credentials"}})
		return s.post("/token", form("grant_type", "client_credentials"), func(r *http.Request) { r.SetBasicAuth("old", "a+b") })
	}},
	tokenRequest(reason.ClientAuthTwice, "", form("grant_type", "client_credentials", "client_secret", "x"), as("service", serviceSecret)),
	credentials(reason.ClientAuthSchemeUnknown, "", header("Authorization", "Digest x")),
	tokenRequest(reason.ClientAssertion, "", form("grant_type", "client_credentials", "client_assertion", "x")),
	tokenRequest(reason.ClientIDDiffers, "", form("grant_type", "client_credentials", "client_id", "app"), as("service", serviceSecret)),
	credentials(reason.AuthorizationRepeated, "", header("Authorization", "Basic eDp5"), header("Authorization", "Basic eDp5")),
	credentials(reason.BasicMalformed, "", header("Authorization", "Basic %")),
	tokenRequest(reason.GrantTypeNotForClient, "", form("grant_type", "refresh_token", "client_id", "no-refresh", "refresh_token", "x")),
	{reason: reason.GrantTypeNotForClient, name: "at /authorize", refused: func(_ *testing.T, s *system) reply {
		s.addClient(store.Client{ID: "no-code", RedirectURIs: []string{callback}})
		return s.authorize(asked("client_id", "no-code"))
	}},
	sends(reason.OriginUnregistered, "", "OPTIONS", "/token", "", header("Origin", "https://nobody.example")),
	{reason: reason.IntrospectionNotForClient, refused: func(_ *testing.T, s *system) reply {
		return s.post("/introspect", form("token", "x"), as("plain-service", "plain"))
	}},

	tokenRequest(reason.ScopeMalformed, "", asAnn("client_id", "app", "scope", `me "items"`)),
	tokenRequest(reason.ScopeUnknown, "", asAnn("client_id", "app", "scope", "me magic")),
	tokenRequest(reason.ScopeNotForClient, "", asAnn("client_id", "app", "scope", "me admin")),
	tokenRequest(reason.ScopeNotForUser, "", form("grant_type", "password", "client_id", "app", "username", "bob", "password", password, "scope", "items")),
	{reason: reason.ScopeNeedsUser, refused: func(_ *testing.T, s *system) reply {
		s.addClient(store.Client{ID: "cc", SecretHash: server.HashSecret("x"), Grants: []string{"client_credentials"}, Scopes: []string{"openid"}})
		return s.post("/token", form("grant_type", "client_credentials", "scope", "openid"), as("cc", "x"))
	}},
	{reason: reason.ScopeWidened, refused: func(_ *testing.T, s *system) reply {
		return s.refresh(s.login("me").str("refresh_token"), "scope", "me items")
	}},
	tokenRequest(reason.ResourceMalformed, "", asAnn("client_id", "app", "resource", "x")),
	tokenRequest(reason.ResourceUnknown, "", asAnn("client_id", "app", "resource", "https://x.example")),
	{reason: reason.ResourceNotGranted, refused: func(_ *testing.T, s *system) reply {
		return s.refresh(s.login("me").str("refresh_token"), "resource", "https://x.example")
	}},
	{
		reason: reason.AudienceGone, options: func(o *server.Options) { o.Audiences = []string{"https://x.example"} },
		refused: func(_ *testing.T, s *system) reply {
			tokens := s.post("/token", asAnn("client_id", "app", "resource", "https://x.example"))
			s.opts.Audiences = nil
			s.startServer()
			return s.refresh(tokens.str("refresh_token"))
		},
	},
}

// lastChanged is a secret with another last character.
func lastChanged(secret string) string {
	last := "a"
	if strings.HasSuffix(secret, last) {
		last = "b"
	}
	return secret[:len(secret)-1] + last
}
