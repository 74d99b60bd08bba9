package server_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

const basicChallenge = `Basic realm="grantd", charset="UTF-8"`

// asAnn is a password request of ann's with more parameters.
func asAnn(pairs ...string) url.Values {
	return form(append([]string{"grant_type", "password", "username", "ann", "password", password}, pairs...)...)
}

// addClient adds a client to those of populate.
func (s *system) addClient(c store.Client) {
	s.t.Helper()
	c.CreatedAt = s.clock.Now()
	if err := s.db.CreateClient(s.t.Context(), c); err != nil {
		s.t.Fatal(err)
	}
}

func TestTokenErrors(t *testing.T) {
	s := newSystem(t)
	s.addClient(store.Client{ID: "public-cc", Grants: []string{"client_credentials"}, Scopes: []string{"me"}})
	long := strings.Repeat("x", 73)

	for _, c := range []struct {
		name   string
		body   url.Values
		edits  []edit
		status int
		code   string
	}{
		{"6749-5.2 no grant_type", form("client_id", "app"), nil, 400, "invalid_request"},
		{"6749-3.2 empty grant_type counts as left out", form("client_id", "app", "grant_type", ""), nil, 400, "invalid_request"},
		{"6749-5.2 unknown grant_type", form("client_id", "app", "grant_type", "magic"), nil, 400, "unsupported_grant_type"},
		{"6749-5.2 grant_type in another letter case", form("client_id", "app", "grant_type", "Password"), nil, 400, "unsupported_grant_type"},
		{"6749-4.2 no implicit grant", form("client_id", "app", "grant_type", "implicit"), nil, 400, "unsupported_grant_type"},
		{"8628-3.4 no device grant", form("client_id", "app", "grant_type", "urn:ietf:params:oauth:grant-type:device_code"), nil, 400, "unsupported_grant_type"},
		{"6749-5.2 grant_type with characters of no description", form("client_id", "app", "grant_type", `"é\`), nil, 400, "unsupported_grant_type"},
		{"6749-4.3.2 no username", form("client_id", "app", "grant_type", "password", "password", password), nil, 400, "invalid_request"},
		{"6749-4.3.2 no password", form("client_id", "app", "grant_type", "password", "username", "ann"), nil, 400, "invalid_request"},
		{"6749-3.2 empty password counts as left out", form("client_id", "app", "grant_type", "password", "username", "ann", "password", ""), nil, 400, "invalid_request"},
		{"6749-6 no refresh_token", form("client_id", "app", "grant_type", "refresh_token"), nil, 400, "invalid_request"},
		{"6749-5.2 client without the refresh_token grant", form("client_id", "no-refresh", "grant_type", "refresh_token", "refresh_token", "x"), nil, 400, "unauthorized_client"},
		{"6749-5.2 client without the password grant", asAnn(), []edit{as("plain-service", "plain")}, 400, "unauthorized_client"},
		{"6749-4.4 client credentials of a public client", form("client_id", "public-cc", "grant_type", "client_credentials"), nil, 400, "unauthorized_client"},
		{"6749-5.2 wrong password", form("client_id", "app", "grant_type", "password", "username", "ann", "password", "wrong"), nil, 400, "invalid_grant"},
		{"6749-5.2 unknown user", form("client_id", "app", "grant_type", "password", "username", "nobody", "password", password), nil, 400, "invalid_grant"},
		{"contract-4 disabled user", form("client_id", "app", "grant_type", "password", "username", "eve", "password", password), nil, 400, "invalid_grant"},
		{"issue-2 password of 73 bytes", form("client_id", "app", "grant_type", "password", "username", "ann", "password", long), nil, 400, "invalid_request"},
		{"6749-5.2 refresh token that is none", form("client_id", "app", "grant_type", "refresh_token", "refresh_token", "x"), nil, 400, "invalid_grant"},
		{"6749-5.2 scope that does not exist", asAnn("client_id", "app", "scope", "me magic"), nil, 400, "invalid_scope"},
	} {
		t.Run(c.name, func(t *testing.T) { s.post("/token", c.body, c.edits...).wantRefusal(t, c.status, c.code) })
	}
}

// The client learns the cause and may try again; what exactly is broken is for the log.
func TestDatabaseGone(t *testing.T) {
	s := newSystem(t)
	tokens := s.login("me")
	s.db.Close()
	for path, body := range map[string]url.Values{
		"/token":      asAnn("client_id", "app"),
		"/refresh":    form("refresh_token", tokens.str("refresh_token")),
		"/revoke":     form("client_id", "app", "token", tokens.str("refresh_token")),
		"/introspect": form("client_id", "service", "client_secret", serviceSecret, "token", tokens.str("refresh_token")),
	} {
		t.Run("contract-5 "+path, func(t *testing.T) { s.post(path, body).wantRefusal(t, 503, "temporarily_unavailable") })
	}
}

// RFC 6749 §5.2 and contract §5: whoever guesses learns nothing from the answer.
func TestFailedLoginsAreOneAnswer(t *testing.T) {
	s := newSystem(t)
	if err := s.db.CreateUser(t.Context(), store.User{
		ID: "u-dis", Username: "dis", PasswordHash: passwordHash, Scopes: []string{"me"}, CreatedAt: s.clock.Now(), DisabledAt: s.clock.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	answer := func(username, password string) string {
		res := s.post("/token", form("grant_type", "password", "client_id", "app", "username", username, "password", password, "scope", "items"))
		return res.wire()
	}
	want := answer("ann", "wrong password")
	if !strings.Contains(want, "invalid_grant") {
		t.Fatal(want)
	}
	for _, c := range []struct{ name, username, password string }{
		{"6749-5.2 unknown user", "nobody", password},
		{"6749-5.2 unknown email", "nobody@example.com", password},
		{"contract-4 disabled user with the right password", "eve", password},
		{"contract-4 disabled user with a wrong password", "eve", "wrong password"},
		{"contract-4 disabled user who could not grant the scope", "dis", password},
		{"6749-5.2 name that is hostile to SQL", "' OR 1=1 --", password},
		{"6749-5.2 name that is a pattern", "%", password},
		{"6749-5.2 password of another letter case", "ann", strings.ToUpper(password)},
		{"6749-5.2 password with a blank behind", "ann", password + " "},
		{"6749-5.2 name with a blank behind", "ann ", password},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := answer(c.username, c.password); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestLoginNames(t *testing.T) {
	s := newSystem(t)
	for name, username := range map[string]string{
		"contract-1 username":                   "ann",
		"issue-2 email":                         "ann@example.com",
		"issue-2 username in any letter case":   "ANN",
		"issue-2 email in any letter case":      "Ann@Example.COM",
		"issue-2 mixed letter case of the name": "aNn",
	} {
		t.Run(name, func(t *testing.T) {
			res := s.post("/token", form("grant_type", "password", "client_id", "app", "username", username, "password", password))
			res.wantOK(t)
			if got := claimsOf(t, res.str("access_token"))["sub"]; got != "u-ann" {
				t.Errorf("sub %v", got)
			}
		})
	}
}

// RFC 6749 appendix A.16 allows a TAB in passwords, and hashes that were
// imported may be of such.
func TestPasswordWithTab(t *testing.T) {
	s := newSystem(t)
	hash, err := server.HashPassword("a\tb", 4)
	if err != nil {
		t.Fatal(err)
	}
	s.setPassword("u-ann", hash)
	s.post("/token", form("grant_type", "password", "client_id", "app", "username", "ann", "password", "a\tb")).wantOK(t)
}

func TestPasswordLength(t *testing.T) {
	s := newSystem(t)
	exact := strings.Repeat("é", 36)
	hash, err := server.HashPassword(exact, 4)
	if err != nil {
		t.Fatal(err)
	}
	s.setPassword("u-ann", hash)
	login := func(password string) reply {
		return s.post("/token", form("grant_type", "password", "client_id", "app", "username", "ann", "password", password))
	}
	login(exact).wantOK(t)

	// bcrypt reads 72 bytes: a longer one must not pass for its beginning.
	longer := login(exact + "x")
	longer.wantRefusal(t, 400, "invalid_request")
	if !strings.Contains(longer.str("error_description"), "72 bytes") {
		t.Errorf("unclear: %s", longer.body)
	}
	huge := login(strings.Repeat("x", 1<<20))
	huge.wantRefusal(t, 400, "invalid_request")
	if !strings.Contains(huge.str("error_description"), "longer than") {
		t.Errorf("unclear: %s", huge.body)
	}
}

func (s *system) setPassword(user, hash string) {
	s.t.Helper()
	now := s.clock.Now()
	if _, err := s.db.SetPassword(s.t.Context(), user, hash, now, now.Add(time.Hour)); err != nil {
		s.t.Fatal(err)
	}
}

func TestGrantedScope(t *testing.T) {
	s := newSystem(t)
	s.addClient(store.Client{
		ID: "generous", Grants: []string{"password"}, Scopes: []string{"me"}, DefaultScopes: []string{"items", "me"},
	})
	now := s.clock.Now()
	for _, u := range []store.User{
		{ID: "u-items", Username: "items-only", Scopes: []string{"items"}},
		{ID: "u-none", Username: "none", Scopes: []string{}},
	} {
		u.PasswordHash, u.CreatedAt = passwordHash, now
		if err := s.db.CreateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	const refused = "-"
	for _, c := range []struct{ name, client, user, asked, want string }{
		{"6749-3.3 what was asked for", "app", "ann", "me items", "me items"},
		{"contract-4 in the order of the setting", "app", "ann", "items:write items me", "me items items:write"},
		{"6749-3.3 a name given twice counts once", "app", "ann", "me me items me", "me items"},
		{"contract-4 no scope, no default", "app", "ann", "", ""},
		{"contract-4 no scope, the client's default", "other", "ann", "", "me"},
		{"contract-4 a default that the client may not have", "generous", "ann", "", "me"},
		{"contract-4 scope that does not exist", "app", "ann", "me magic", refused},
		{"contract-4 scope that exists, but not for the client", "app", "ann", "me admin", refused},
		{"contract-4 left out silently what the user may not grant", "app", "bob", "me items", "me"},
		{"contract-4 nothing left of what was asked for", "app", "bob", "items items:write", refused},
		{"contract-4 nothing left of the default", "other", "items-only", "", refused},
		{"contract-4 user who may grant nothing, asked for nothing", "app", "none", "", ""},
		{"contract-4 user who may grant nothing, asked for me", "app", "none", "me", refused},
		{"6749-3.3 letter case matters", "app", "ann", "Me", refused},
		{"6749-3.3 doubled space", "app", "ann", "me  items", refused},
		{"6749-3.3 space in front", "app", "ann", " me", refused},
		{"6749-3.3 space behind", "app", "ann", "me ", refused},
		{"6749-3.3 a space only", "app", "ann", " ", refused},
		{"6749-3.3 TAB between", "app", "ann", "me\titems", refused},
		{"6749-3.3 comma between", "app", "ann", "me,items", refused},
		{"6749-3.3 quote", "app", "ann", `me"`, refused},
		{"6749-3.3 backslash", "app", "ann", `me\items`, refused},
		{"6749-3.3 beyond ASCII", "app", "ann", "mé", refused},
		{"issue-2 10,000 scopes", "app", "ann", strings.TrimSpace(strings.Repeat("me ", 10_000)), refused},
		{"issue-2 a name of 4,000 bytes", "app", "ann", strings.Repeat("m", 4_000), refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := form("grant_type", "password", "client_id", c.client, "username", c.user, "password", password, "scope", c.asked)
			res := s.post("/token", body)
			if c.want == refused {
				res.wantRefusal(t, 400, "invalid_scope")
				if len(res.body) > 400 {
					t.Errorf("%d bytes of answer repeat the request", len(res.body))
				}
				return
			}
			res.wantOK(t)
			got, said := res.JSON["scope"]
			if !said || got != c.want {
				t.Errorf("scope %v, want %q", res.JSON["scope"], c.want)
			}
			if claim := claimsOf(t, res.str("access_token"))["scope"]; claim != c.want {
				t.Errorf("claim scope %v, want %q", claim, c.want)
			}
		})
	}
}

func TestClientCredentialsScope(t *testing.T) {
	s := newSystem(t)
	service := func(pairs ...string) reply {
		return s.post("/token", form(append([]string{"grant_type", "client_credentials"}, pairs...)...), as("service", serviceSecret))
	}
	for _, c := range []struct {
		name  string
		pairs []string
		want  string
	}{
		{"6749-4.4.2 default scope", nil, "items"},
		{"6749-4.4.2 asked for", []string{"scope", "items:write me"}, "me items:write"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := service(c.pairs...)
			res.wantOK(t)
			if res.str("scope") != c.want {
				t.Errorf("scope %q, want %q", res.str("scope"), c.want)
			}
		})
	}
	t.Run("6749-5.2 not open to the client", func(t *testing.T) { service("scope", "admin").wantRefusal(t, 400, "invalid_scope") })
}

// RFC 6749 §5.1, RFC 9068 §2.
func TestTokenReply(t *testing.T) {
	s := newSystem(t)
	s.clock.Add(time.Hour) // not the time the key was made
	for _, c := range []struct {
		name    string
		body    url.Values
		edits   []edit
		members []string
		claims  []string
	}{
		{
			"6749-4.3.3 password", asAnn("client_id", "app", "scope", "me"), nil,
			[]string{"access_token", "expires_in", "refresh_token", "scope", "token_type"},
			[]string{"aud", "auth_time", "client_id", "exp", "gid", "iat", "iss", "jti", "scope", "sub"},
		},
		{
			"contract-3 password of a client that may not refresh", asAnn("client_id", "no-refresh", "scope", "me"), nil,
			[]string{"access_token", "expires_in", "scope", "token_type"},
			[]string{"aud", "auth_time", "client_id", "exp", "gid", "iat", "iss", "jti", "scope", "sub"},
		},
		{
			"6749-4.4.3 client credentials", form("grant_type", "client_credentials", "scope", "me"), []edit{as("service", serviceSecret)},
			[]string{"access_token", "expires_in", "scope", "token_type"},
			[]string{"aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sub"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := s.post("/token", c.body, c.edits...)
			res.wantOK(t)
			if got := keys(res.JSON); !slices.Equal(got, c.members) {
				t.Errorf("members %q, want %q", got, c.members)
			}
			if res.str("token_type") != "Bearer" || res.JSON["expires_in"] != 900.0 || res.str("scope") != "me" {
				t.Errorf("%s", res.body)
			}
			for name, want := range map[string]string{"Cache-Control": "no-store", "Pragma": "no-cache", "Content-Type": "application/json"} {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			claims := claimsOf(t, res.str("access_token"))
			if got := keys(claims); !slices.Equal(got, c.claims) {
				t.Errorf("claims %q, want %q", got, c.claims)
			}
			if got, want := claims["iat"], float64(s.clock.Now().Unix()); got != want {
				t.Errorf("iat %v, want %v", got, want)
			}
		})
	}
}

// A second login does not touch the first: each is an authorization of its own.
func TestLoginsAreApart(t *testing.T) {
	s := newSystem(t)
	first, second := s.login("me"), s.login("me")
	if claimsOf(t, first.str("access_token"))["gid"] == claimsOf(t, second.str("access_token"))["gid"] {
		t.Error("two logins share an authorization")
	}
	s.post("/revoke", form("client_id", "app", "token", first.str("refresh_token"))).wantOK(t)
	s.get("/status/", bearer(second.str("access_token"))).wantOK(t)
}

// A login that races with the end of its user either fails or is ended.
func TestParallelLoginAndDisable(t *testing.T) {
	s := newSystem(t)
	for range 5 {
		var mu sync.Mutex
		var wg sync.WaitGroup
		var handedOut []reply
		for i := range 12 {
			wg.Go(func() {
				if i == 6 {
					now := s.clock.Now()
					if _, err := s.db.DisableUser(t.Context(), "u-ann", now, now.Add(time.Hour)); err != nil {
						t.Error(err)
					}
					return
				}
				res := s.post("/token", asAnn("client_id", "app", "scope", "me"))
				if res.StatusCode != 200 {
					res.wantRefusal(t, 400, "invalid_grant")
					return
				}
				mu.Lock()
				defer mu.Unlock()
				handedOut = append(handedOut, res)
			})
		}
		wg.Wait()
		if err := s.srv.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.wantDead(handedOut...)
		if err := s.db.EnableUser(t.Context(), "u-ann"); err != nil {
			t.Fatal(err)
		}
	}
}

func keys(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// claimsOf reads the claims of a JWT without checking it.
func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	return partOf(t, token, 1)
}

// partOf decodes the header, 0, or the claims, 1, of a JWT.
func partOf(t testing.TB, token string, i int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[i])
	if err != nil {
		t.Fatal(err)
	}
	var part map[string]any
	if err := json.Unmarshal(text, &part); err != nil {
		t.Fatal(err)
	}
	return part
}

// Nothing secret may be in the log, whatever goes wrong.
func TestLogHoldsNoSecret(t *testing.T) {
	s := newSystem(t)
	tokens := s.login("me")
	access, refresh := tokens.str("access_token"), tokens.str("refresh_token")
	secrets := []string{"hunter2", access, refresh, refresh[:len(refresh)-1], serviceSecret, url.QueryEscape(serviceSecret)}

	s.post("/token", form("grant_type", "password", "client_id", "app", "username", "hunter2", "password", "hunter2"))
	s.post("/token", form("grant_type", "hunter2", "client_id", "app"))
	s.post("/token", form("grant_type", "refresh_token", "client_id", "other", "refresh_token", refresh))
	s.post("/token", form("grant_type", "refresh_token", "client_id", "app", "refresh_token", refresh[:len(refresh)-1]))
	s.post("/token", form("grant_type", "client_credentials"), as("service", "hunter2"))
	s.post("/token", form("grant_type", "client_credentials"), as("hunter2", serviceSecret))
	s.post("/token", form("grant_type", "client_credentials", "client_secret", "hunter2"), as("service", serviceSecret))
	s.post("/token?password=hunter2", form())
	s.post("/hunter2", form())
	// A '&' in a password that nobody encoded.
	s.send("POST", "/token", "grant_type=password&username=ann&password=a&hunter2&hunter2", header("Content-Type", formType))
	s.send("POST", "/token", "grant_type=password&username=ann&password=a&hunter2=%00", header("Content-Type", formType))
	s.send("POST", "/refresh", `{"refresh_token":"`+refresh+`"`, header("Content-Type", "application/json"))
	s.post("/refresh", form(), bearer(access))
	s.post("/revoke", form("client_id", "other", "token", refresh))
	s.post("/introspect", form("token", refresh), as("service", serviceSecret))
	s.get("/users/me/", bearer(access+"x"))
	s.get("/users/me/?access_token=" + access)

	log := s.log.String()
	for _, secret := range secrets {
		if i := strings.Index(log, secret); i >= 0 {
			t.Errorf("the log holds a secret: %s", log[max(0, i-200):i+len(secret)])
		}
	}
	if n := strings.Count(log, `"msg":"request"`); n != 18 {
		t.Errorf("%d requests in the log, want 18", n)
	}
}

func TestRequestsOfOtherMethods(t *testing.T) {
	s := newSystem(t)
	for path, allow := range map[string]string{
		"/refresh": "POST", "/introspect": "POST",
		"/token": "POST, OPTIONS", "/token/": "POST, OPTIONS", "/revoke": "POST, OPTIONS", // browsers ask before scripts of other origins may
	} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
			if strings.Contains(allow, method) {
				continue // TestPreflight
			}
			t.Run("6749-3.2 "+method+" "+path, func(t *testing.T) {
				res := s.send(method, path, "")
				if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != allow {
					t.Errorf("%d, Allow %q", res.StatusCode, res.Header.Get("Allow"))
				}
			})
		}
	}
}
