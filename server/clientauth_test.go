package server_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// basic sends Basic credentials without encoding them first.
func basic(credentials string) edit {
	return header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
}

func TestClientAuthentication(t *testing.T) {
	s := newSystem(t)
	const oddID, oddSecret = "svc:a b%c", "p%:+ &=/ü"
	s.addClient(store.Client{
		ID: oddID, SecretHash: server.HashSecret(oddSecret), Grants: []string{"client_credentials"}, Scopes: []string{"me"},
	})
	cc := func(pairs ...string) url.Values {
		return form(append([]string{"grant_type", "client_credentials"}, pairs...)...)
	}
	const ok = ""
	escaped := url.QueryEscape(serviceSecret)
	for _, c := range []struct {
		name  string
		body  url.Values
		edits []edit
		code  string // of the refusal
	}{
		{"6749-2.3.1 Basic", cc(), []edit{as("service", serviceSecret)}, ok},
		{"6749-2.3.1 Basic, both parts encoded", cc(), []edit{as(oddID, oddSecret)}, ok},
		{"6749-2.3.1 Basic, blank as %20 and not as +", cc(), []edit{basic("service:service%20secret%20%2B%2F%25")}, ok},
		{"6749-2.3.1 Basic, ':' in the secret need not be encoded", cc(), []edit{basic("svc%3Aa+b%25c:p%25:%2B+%26%3D%2F%C3%BC")}, ok},
		{"6749-2.3.1 Basic, the same client_id in the body", cc("client_id", "service"), []edit{as("service", serviceSecret)}, ok},
		{"6749-2.3.1 Basic, empty client_secret in the body", cc("client_secret", ""), []edit{as("service", serviceSecret)}, ok},
		{"9110-11.1 scheme in any letter case", cc(), []edit{header("Authorization", "bAsIc "+base64.StdEncoding.EncodeToString([]byte("service:"+escaped)))}, ok},
		{"9110-11.4 several spaces behind the scheme", cc(), []edit{header("Authorization", "Basic   "+base64.StdEncoding.EncodeToString([]byte("service:"+escaped)))}, ok},
		{"6749-2.3.1 body", cc("client_id", "service", "client_secret", serviceSecret), nil, ok},
		{"6749-2.3.1 body, odd characters", cc("client_id", oddID, "client_secret", oddSecret), nil, ok},
		{"contract-5 Basic with both halves empty counts as not given", cc("client_id", "service", "client_secret", serviceSecret), []edit{basic(":")}, ok},
		{"contract-5 empty Authorization header", cc("client_id", "service", "client_secret", serviceSecret), []edit{header("Authorization", "")}, ok},
		{"contract-5 bearer token is no client authentication", cc("client_id", "service", "client_secret", serviceSecret), []edit{bearer("abc")}, ok},
		{"6749-2.1 public client by client_id", asAnn("client_id", "app"), nil, ok},
		{"6749-2.3.1 public client by Basic without a secret", asAnn(), []edit{basic("app:")}, ok},
		{"6749-2.3.1 public client with an empty secret", asAnn("client_id", "app", "client_secret", ""), nil, ok},

		{"6749-5.2 Basic, unknown client", cc(), []edit{as("nobody", "x")}, "invalid_client"},
		{"6749-5.2 Basic, unknown client without secret", cc(), []edit{as("nobody", "")}, "invalid_client"},
		{"6749-5.2 Basic, wrong secret", cc(), []edit{as("service", "wrong")}, "invalid_client"},
		{"6749-5.2 Basic, no secret", cc(), []edit{as("service", "")}, "invalid_client"},
		{"6749-5.2 Basic, secret without id", cc(), []edit{as("", serviceSecret)}, "invalid_client"},
		{"6749-2.3.1 Basic, not encoded: '+' is a blank", cc(), []edit{basic("service:service secret +/%25")}, "invalid_client"},
		{"6749-2.3.1 Basic, encoded twice", cc(), []edit{as("service", escaped)}, "invalid_client"},
		{"6749-5.2 Basic, public client with a secret", asAnn(), []edit{as("app", "x")}, "invalid_client"},
		{"7617-2 Basic, no base64", cc(), []edit{header("Authorization", "Basic !!!")}, "invalid_client"},
		{"7617-2 Basic, no colon", cc(), []edit{basic("service")}, "invalid_client"},
		{"7617-2 Basic, nothing", cc(), []edit{header("Authorization", "Basic")}, "invalid_client"},
		{"7617-2 Basic, a blank", cc(), []edit{header("Authorization", "Basic ")}, "invalid_client"},
		{"7617-2 Basic, control character in the id", cc(), []edit{basic("ser%00vice:x")}, "invalid_client"},
		{"7617-2 Basic, control character in the secret", cc(), []edit{basic("service:%0d%0a")}, "invalid_client"},
		{"7617-2 Basic, invalid UTF-8", cc(), []edit{basic("service:%ff")}, "invalid_client"},
		{"7617-2 Basic, not encoded: '%' is an escape", cc(), []edit{basic("service:" + serviceSecret)}, "invalid_client"},
		{"7617-2 Basic, comma list", cc(), []edit{header("Authorization", "Basic c2VydmljZTo=, Basic c2VydmljZTo=")}, "invalid_client"},
		{"6749-5.2 unknown scheme", cc(), []edit{header("Authorization", "Digest abc")}, "invalid_client"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := s.post("/token", c.body, c.edits...)
			if c.code == ok {
				res.wantOK(t)
				return
			}
			res.wantRefusal(t, 401, c.code, basicChallenge)
			if got, want := strings.Contains(res.str("error_description"), "malformed"), strings.HasPrefix(c.name, "7617-2"); got != want {
				t.Errorf("called malformed: %v, want %v", got, want)
			}
		})
	}

	for _, c := range []struct {
		name   string
		body   url.Values
		edits  []edit
		status int
		code   string
	}{
		{"6749-5.2 no client, and a grant without a default", cc(), nil, 401, "invalid_client"},
		{"contract-5 empty client_id, and a grant without a default", cc("client_id", ""), nil, 401, "invalid_client"},
		{"contract-5 Basic with both halves empty, and a grant without a default", cc(), []edit{basic(":")}, 401, "invalid_client"},
		{"6749-5.2 body, unknown client", cc("client_id", "nobody", "client_secret", "x"), nil, 401, "invalid_client"},
		{"6749-5.2 body, wrong secret", cc("client_id", "service", "client_secret", "wrong"), nil, 401, "invalid_client"},
		{"6749-5.2 body, secret of another client", cc("client_id", "service", "client_secret", "plain"), nil, 401, "invalid_client"},
		{"6749-5.2 body, no secret", cc("client_id", "service"), nil, 401, "invalid_client"},
		{"6749-5.2 body, secret without id", cc("client_secret", serviceSecret), nil, 401, "invalid_client"},
		{"contract-5 a secret is no default client's", asAnn("client_secret", "x"), nil, 401, "invalid_client"},
		{"6749-5.2 body, public client with a secret", asAnn("client_id", "app", "client_secret", "x"), nil, 401, "invalid_client"},
		{"6749-2.3 Basic and body", cc("client_id", "service", "client_secret", serviceSecret), []edit{as("service", serviceSecret)}, 400, "invalid_request"},
		{"6749-2.3 Basic and a secret in the body", cc("client_secret", "x"), []edit{as("service", serviceSecret)}, 400, "invalid_request"},
		{"6749-2.3 Basic and another client_id", cc("client_id", "app"), []edit{as("service", serviceSecret)}, 400, "invalid_request"},
		{"6749-2.3 Basic and an assertion", cc("client_assertion", "x"), []edit{as("service", serviceSecret)}, 400, "invalid_request"},
		{"6749-2.3 secret and an assertion", cc("client_id", "service", "client_secret", serviceSecret, "client_assertion", "x"), nil, 400, "invalid_request"},
		{"7521-4.2 assertions are not supported", cc("client_id", "service", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", "x"), nil, 401, "invalid_client"},
		{"6749-2.3 two Authorization headers", cc(), []edit{as("service", serviceSecret), header("Authorization", "Bearer abc")}, 400, "invalid_request"},
		{"6749-2.3 the same Authorization header twice", cc(), []edit{basic("plain-service:plain"), basic("plain-service:plain")}, 400, "invalid_request"},
	} {
		t.Run(c.name, func(t *testing.T) { s.post("/token", c.body, c.edits...).wantRefusal(t, c.status, c.code) })
	}
}

// The endpoints that act on tokens authenticate as the token endpoint does, but
// know no default client.
func TestClientAuthenticationElsewhere(t *testing.T) {
	s := newSystem(t)
	for _, path := range []string{"/revoke", "/introspect"} {
		for _, c := range []struct {
			name       string
			body       url.Values
			edits      []edit
			status     int
			code       string
			challenged []string
		}{
			{"no client", form("token", "x"), nil, 401, "invalid_client", nil},
			{"empty client_id", form("token", "x", "client_id", ""), nil, 401, "invalid_client", nil},
			{"wrong secret", form("token", "x"), []edit{as("service", "wrong")}, 401, "invalid_client", []string{basicChallenge}},
			{"confidential without a secret", form("token", "x", "client_id", "service"), nil, 401, "invalid_client", nil},
			{"two methods", form("token", "x", "client_secret", serviceSecret), []edit{as("service", serviceSecret)}, 400, "invalid_request", nil},
			{"no token", form(), []edit{as("service", serviceSecret)}, 400, "invalid_request", nil},
			{"empty token", form("token", ""), []edit{as("service", serviceSecret)}, 400, "invalid_request", nil},
		} {
			t.Run("6749-2.3 "+path+" "+c.name, func(t *testing.T) {
				s.post(path, c.body, c.edits...).wantRefusal(t, c.status, c.code, c.challenged...)
			})
		}
	}
}

// Contract §5: the default client is for the password and refresh_token grants.
func TestDefaultClient(t *testing.T) {
	s := newSystem(t)
	for _, c := range []struct {
		name  string
		pairs []string
		edits []edit
	}{
		{"contract-5 no client", nil, nil},
		{"contract-5 empty client_id, as Swagger UI sends it", []string{"client_id", "", "client_secret", ""}, nil},
		{"contract-5 Basic with both halves empty", nil, []edit{basic(":")}},
		{"contract-5 Basic with both halves empty and an empty client_id", []string{"client_id", ""}, []edit{basic(":")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := s.post("/token", asAnn(append(c.pairs, "scope", "me")...), c.edits...)
			res.wantOK(t)
			if got := claimsOf(t, res.str("access_token"))["client_id"]; got != "app" {
				t.Errorf("client_id %v", got)
			}
			body := append([]string{"grant_type", "refresh_token", "refresh_token", res.str("refresh_token")}, c.pairs...)
			s.post("/token", form(body...), c.edits...).wantOK(t)
		})
	}
	t.Run("6749-10.4 a refresh token of another client", func(t *testing.T) {
		theirs := s.post("/token", asAnn("client_id", "other"))
		s.post("/token", form("grant_type", "refresh_token", "refresh_token", theirs.str("refresh_token"))).wantRefusal(t, 400, "invalid_grant")
	})

	none := newSystem(t, func(o *server.Options) { o.DefaultClient = "" })
	t.Run("contract-2 no default client set", func(t *testing.T) {
		none.post("/token", asAnn()).wantRefusal(t, 401, "invalid_client")
		none.post("/token", form("grant_type", "refresh_token", "refresh_token", "x")).wantRefusal(t, 401, "invalid_client")
	})
	gone := newSystem(t, func(o *server.Options) { o.DefaultClient = "deleted" })
	t.Run("contract-2 the default client does not exist", func(t *testing.T) { gone.post("/token", asAnn()).wantRefusal(t, 401, "invalid_client") })
}

// RFC 6749 §5.2 leaves it open; one answer tells nobody which clients exist.
func TestUnknownClientAndWrongSecretAreOneAnswer(t *testing.T) {
	s := newSystem(t)
	answer := func(id string) string {
		res := s.post("/token", form("grant_type", "client_credentials"), as(id, "wrong"))
		return http.StatusText(res.StatusCode) + strings.Join(res.Header["Www-Authenticate"], "|") + res.bodyWithoutID()
	}
	want := answer("service")
	for _, id := range []string{"nobody", "app", "SERVICE", "service "} {
		if got := answer(id); got != want {
			t.Errorf("client %q: got %s, want %s", id, got, want)
		}
	}
}
