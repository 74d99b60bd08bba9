package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
)

// records are the log's records with this message.
func (s *system) records(msg string) []map[string]any {
	s.t.Helper()
	var found []map[string]any
	for line := range strings.Lines(s.log.String()) {
		var rec map[string]any
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			s.t.Fatalf("%v in %s", err, line)
		}
		if rec["msg"] == msg {
			found = append(found, rec)
		}
	}
	return found
}

// recordOf is the only record of a request.
func (s *system) recordOf(res reply) map[string]any {
	s.t.Helper()
	var found []map[string]any
	for _, rec := range s.records("request") {
		if rec["id"] == res.Header.Get("X-Request-Id") {
			found = append(found, rec)
		}
	}
	if len(found) != 1 {
		s.t.Fatalf("%d records of request %s", len(found), res.Header.Get("X-Request-Id"))
	}
	return found[0]
}

// A service that follows the list looks many times a minute. That it may is no news.
func TestLooksAtTheListAreLoggedForDebugging(t *testing.T) {
	s := newSystem(t)
	s.get("/revocations").wantOK(t)
	if found := s.records("request"); len(found) != 0 {
		t.Errorf("logged: %v", found)
	}
	refused := s.send("POST", "/revocations", "")
	if rec := s.recordOf(refused); rec["level"] != "INFO" || rec["status"] != 405.0 {
		t.Errorf("a refusal is logged as %v", rec)
	}
	s.db.Close()
	s.clock.Add(time.Minute) // nobody knows what was revoked meanwhile
	if rec := s.recordOf(s.get("/revocations")); rec["route"] != "/revocations" || rec["status"] != 503.0 {
		t.Errorf("an outage is logged as %v", rec)
	}
}

func TestOneRecordPerRequest(t *testing.T) {
	s := newSystem(t)
	tokens := s.login("me")
	access, refresh := bearer(tokens.str("access_token")), tokens.str("refresh_token")
	for _, c := range []struct {
		name                               string
		res                                reply
		method, route                      string
		client, grantType, outcome, caused string
	}{
		{"login", tokens, "POST", "/token", "app", "password", "ok", ""},
		{"refresh", s.refresh(refresh), "POST", "/token", "app", "refresh_token", "rotated", ""},
		{"refresh repeated", s.refresh(refresh), "POST", "/token", "app", "refresh_token", "repeated", ""},
		{"the refresh endpoint", s.post("/refresh/", form("refresh_token", refresh)), "POST", "/refresh", "app", "refresh_token", "repeated", ""},
		{
			"client credentials", s.post("/token", form("grant_type", "client_credentials"), as("service", serviceSecret)),
			"POST", "/token", "service", "client_credentials", "ok", "",
		},
		{"wrong password", s.loginAs("ann", "wrong"), "POST", "/token", "app", "password", "invalid_grant", "username or password is wrong"},
		{"client not proven", s.post("/token", form("grant_type", "password"), as("service", "wrong")), "POST", "/token", "service", "", "invalid_client", "client authentication failed"},
		{"grant type unknown", s.post("/token", form("grant_type", "magic", "client_id", "app")), "POST", "/token", "app", "", "unsupported_grant_type", "does not know"},
		{"profile", s.get("/users/me/", access), "GET", "/users/me/", "app", "", "ok", ""},
		{"without a token", s.get("/users/me", header("Accept", "x")), "GET", "/users/me/", "", "", "invalid_token", "no access token"},
		{"bad token", s.get("/users/me/", bearer("x")), "GET", "/users/me/", "", "", "invalid_token", "not a JWT"},
		{"scope lacks", s.get("/users/me/items/", access), "GET", "/users/me/items/", "app", "", "insufficient_scope", "lacks the scope items"},
		{"bad account", s.send("POST", "/users/", "{}", jsonBody), "POST", "/users/", "", "", "invalid_request", "some fields"},
		{"no such path", s.get("/secret-path"), "GET", "none", "", "", "not_found", "nothing at this path"},
		{"wrong method", s.get("/token"), "GET", "none", "", "", "method_not_allowed", "use POST"},
		{"keys", s.get("/.well-known/jwks.json"), "GET", "/.well-known/jwks.json", "", "", "ok", ""},
	} {
		rec := s.recordOf(c.res)
		got := func(name string) string { text, _ := rec[name].(string); return text }
		if got("method") != c.method || got("route") != c.route || got("client") != c.client || got("grant_type") != c.grantType || got("outcome") != c.outcome {
			t.Errorf("%s: record %v", c.name, rec)
		}
		if rec["status"] != float64(c.res.StatusCode) || got("level") != "INFO" || got("from") != "127.0.0.1" || rec["took_ms"] == nil {
			t.Errorf("%s: record %v", c.name, rec)
		}
		if !strings.Contains(got("cause"), c.caused) || (got("cause") == "") != (c.caused == "") {
			t.Errorf("%s: cause %q", c.name, got("cause"))
		}
	}
	if strings.Contains(s.log.String(), "secret-path") {
		t.Error("a path that was sent is in the log")
	}
}

func TestRequestID(t *testing.T) {
	s := newSystem(t)
	seen := map[string]bool{}
	for range 20 {
		id := s.get("/", header("X-Request-Id", "chosen by the client")).Header.Get("X-Request-Id")
		if seen[id] || len(id) < 20 {
			t.Errorf("request id %q", id)
		}
		seen[id] = true
	}
}

func TestFaultsAreErrorsInTheLog(t *testing.T) {
	s := newSystem(t)
	s.db.Close()
	res := s.loginAs("ann", password)
	res.wantRefusal(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	rec := s.recordOf(res)
	if rec["level"] != "ERROR" || rec["outcome"] != "temporarily_unavailable" || !strings.Contains(rec["cause"].(string), "it is closed") {
		t.Errorf("record %v", rec)
	}
	if strings.Contains(res.body, "closed") {
		t.Errorf("the client reads of our insides: %s", res.body)
	}
}

func TestPanic(t *testing.T) {
	s := newSystem(t)
	s.srv.DB = nil // the next use of it panics
	res := s.loginAs("ann", password)
	res.wantRefusal(t, http.StatusInternalServerError, "server_error")
	id := res.Header.Get("X-Request-Id")
	if !strings.Contains(res.str("error_description"), id) || strings.Contains(res.body, "nil pointer") {
		t.Errorf("body %s", res.body)
	}
	if rec := s.recordOf(res); rec["level"] != "ERROR" || rec["outcome"] != "server_error" || rec["status"] != 500.0 {
		t.Errorf("record %v", rec)
	}
	panics := s.records("panic")
	if len(panics) != 1 || panics[0]["id"] != id || !strings.Contains(fmt.Sprint(panics[0]["panic"]), "nil pointer") ||
		!strings.Contains(fmt.Sprint(panics[0]["stack"]), "store.(*DB)") {
		t.Errorf("records %v", panics)
	}
}

// An answer that was half sent when its handler panicked must not look whole.
func TestPanicHalfway(t *testing.T) {
	s := newSystem(t)
	web := httptest.NewServer(s.srv.Observed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"half":`)
		http.NewResponseController(w).Flush()
		panic("halfway")
	})))
	defer web.Close()
	res, err := http.Get(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err == nil || strings.Contains(string(body), "server_error") {
		t.Errorf("read %q as if it were whole", body)
	}
	if rec := s.recordOf(reply{Response: res}); rec["outcome"] != "server_error" {
		t.Errorf("record %v", rec)
	}
}

func TestForwardedFor(t *testing.T) {
	const trusted = "127.0.0.0/8 10.0.0.0/8 fd00::/8"
	for _, c := range []struct {
		name, proxies string
		forwarded     []string
		want          string
	}{
		{"no proxy, no header", "", nil, "127.0.0.1"},
		{"nobody is trusted", "", []string{"1.2.3.4"}, "127.0.0.1"},
		{"another is trusted", "10.0.0.0/8", []string{"1.2.3.4"}, "127.0.0.1"},
		{"no header", trusted, nil, "127.0.0.1"},
		{"one hop", trusted, []string{"1.2.3.4"}, "1.2.3.4"},
		{"made up by the client", trusted, []string{"6.6.6.6, 1.2.3.4"}, "1.2.3.4"},
		{"two proxies", trusted, []string{"1.2.3.4, 10.0.0.7"}, "1.2.3.4"},
		{"two proxies, made up", trusted, []string{"6.6.6.6, 1.2.3.4, 10.0.0.7"}, "1.2.3.4"},
		{"two headers", trusted, []string{"6.6.6.6, 1.2.3.4", "10.0.0.7"}, "1.2.3.4"},
		{"proxies only", trusted, []string{"10.0.0.8,10.0.0.7"}, "10.0.0.8"},
		{"with a port", trusted, []string{"1.2.3.4:5678"}, "1.2.3.4"},
		{"IPv6", trusted, []string{"2001:db8::1, fd00::7"}, "2001:db8::1"},
		{"IPv6 with a port", trusted, []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"IPv4 in IPv6", trusted, []string{"1.2.3.4, ::ffff:10.0.0.7"}, "1.2.3.4"},
		{"a zone may be any text", trusted, []string{"fe80::1%S3CRET"}, "fe80::1"},
		{"unknown", trusted, []string{"unknown"}, "127.0.0.1"},
		{"words behind a proxy", trusted, []string{"<script>, 10.0.0.7"}, "10.0.0.7"},
		{"empty", trusted, []string{""}, "127.0.0.1"},
		{"commas", trusted, []string{",,,"}, "127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSystem(t, func(o *server.Options) {
				for _, p := range strings.Fields(c.proxies) {
					o.TrustedProxies = append(o.TrustedProxies, netip.MustParsePrefix(p))
				}
			})
			res := s.get("/", func(r *http.Request) { r.Header["X-Forwarded-For"] = c.forwarded })
			if got := s.recordOf(res)["from"]; got != c.want {
				t.Errorf("from %q, want %q", got, c.want)
			}
		})
	}
}

func TestAddressOfNoNetwork(t *testing.T) {
	s := newSystem(t)
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "@" // a unix socket
	s.srv.ServeHTTP(w, r)
	if got := s.recordOf(reply{Response: w.Result()})["from"]; got != "unknown" {
		t.Errorf("from %q", got)
	}
}

func TestOps(t *testing.T) {
	s := newSystem(t)
	ops := httptest.NewServer(s.srv.Ops())
	defer ops.Close()
	probe := func(method, path string, want int) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, ops.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s %s: %d, want %d", method, path, res.StatusCode, want)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for _, method := range []string{"GET", "HEAD"} {
		probe(method, "/healthz", http.StatusOK)
		probe(method, "/readyz", http.StatusOK)
	}
	probe("GET", "/token", http.StatusNotFound)
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} { // never on the public listener
		s.get(path).wantError(t, http.StatusNotFound, "not_found")
	}
	s.db.Close()
	probe("GET", "/healthz", http.StatusOK)
	// The cause may name users and hosts: it is in the log only.
	if body := probe("GET", "/readyz", http.StatusServiceUnavailable); body != "the database cannot be reached or written; the log says why\n" {
		t.Errorf("/readyz answers %q", body)
	}
	if warnings := s.records("readiness fails"); len(warnings) != 1 || !strings.Contains(fmt.Sprint(warnings[0]["error"]), "closed") {
		t.Errorf("log %v", warnings)
	}
}

func TestNotReadyWithoutKeys(t *testing.T) {
	s := newSystem(t)
	if err := s.srv.ForgetKeys(); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.srv.Ops().ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != "there is no key to sign with; the log says why\n" {
		t.Errorf("/readyz answers %d, %q", w.Code, w.Body)
	}
}

// A server without a log and with the real clock.
func TestDefaults(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.Log, o.Now = nil, nil })
	s.wantAccepted(s.login("me").str("access_token"))
	for _, issuer := range []string{"", "grantd", "/auth", "://"} {
		opts := s.opts
		opts.Issuer = issuer
		if _, err := server.New(t.Context(), opts); err == nil {
			t.Errorf("a server for issuer %q", issuer)
		}
	}
}

// mark stands in every secret of TestNoSecretInTheLog that a test may choose.
const mark = "S3CRET"

// Every endpoint is driven with secrets in every place where one may be, and in
// places where none belongs. None is in the log, not even at its most talkative.
func TestNoSecretInTheLog(t *testing.T) {
	master := bytes.Repeat([]byte(mark+"!!"), 4)
	shared := mark + " shared by more than thirty-two bytes"
	s := newSystem(t, func(o *server.Options) {
		var err error
		if o.Master, err = token.NewMaster(master); err != nil {
			t.Fatal(err)
		}
		o.SigningAlg, o.SharedSecret, o.BcryptCost = token.HS256, []byte(shared), 5 // so that hashes are replaced
	})
	s.opts.Log = slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.startServer()
	secrets := []string{mark, password, url.QueryEscape(password), serviceSecret, passwordHash, hex.EncodeToString(master), base64.StdEncoding.EncodeToString(master)}
	tokens := []string{}
	learn := func(r reply) reply {
		for _, name := range []string{"access_token", "refresh_token"} {
			if jwt := r.str(name); jwt != "" {
				tokens = append(tokens, jwt)
				secrets = append(secrets, strings.Split(jwt, ".")[1:]...) // payload and signature
			}
		}
		return r
	}
	drive := func() {
		t.Helper()
		learn(s.loginAs("ann", password))
		learn(s.loginAs("ann@example.com", password))
		learn(s.post("/token", form("grant_type", "client_credentials"), as("service", serviceSecret)))
		if len(tokens) > 1 {
			learn(s.refresh(tokens[1]))
			learn(s.refresh(tokens[1]))
			learn(s.post("/refresh", nil, bearer(tokens[1])))
			s.clock.Add(s.opts.ReuseGrace * 2)
			s.refresh(tokens[1]) // reuse, with its audit record
		}
		s.loginAs("ann", mark)
		s.loginAs(mark, mark)
		s.loginAs("ann", mark+strings.Repeat("x", 80))
		s.send("POST", "/users/", `{"username":"kim","password":"`+mark+` new","email":"kim@example.com"}`, jsonBody)
		s.send("POST", "/users/", `{"username":"kim","password":"`+mark+` new","password":"`+mark+`"}`, jsonBody)
		s.send("POST", "/users/", `{"username":"kim","password":"`+mark, jsonBody)
		s.post("/users/", form("username", mark, "password", mark, "email", mark))
		s.post("/users/?password="+mark, form("username", mark))
		everywhere := []string{mark, mark + "\x00", `"` + mark + `\`, "%" + mark, mark + "." + mark + "." + mark, mark + "\xff"}
		everywhere = append(everywhere, tokens...)
		for _, path := range []string{"/token", "/refresh", "/revoke", "/introspect", "/users/", "/users/me/items/"} {
			for _, secret := range everywhere {
				for _, name := range []string{
					"password", "username", "refresh_token", "client_secret", "client_id", "token", "token_type_hint", "grant_type",
					"client_assertion", "client_assertion_type", "code", "item_id", "unknown",
				} {
					fields := form("grant_type", "refresh_token", "client_id", "app", "token", tokens[0])
					fields.Set(name, secret)
					learn(s.post(path, fields))
					s.post(path, fields, as("service", secret))
					s.post(path, fields, as(secret, secret))
				}
				escaped := url.QueryEscape(secret)
				s.post(path+"?token="+escaped+"&password="+escaped+"&x="+escaped, form("client_id", "app"))
				s.send("POST", path, secret+"&"+secret+"="+secret, header("Content-Type", "application/x-www-form-urlencoded"))
				s.send("POST", path, escaped+"&"+escaped, header("Content-Type", "application/x-www-form-urlencoded"))
				s.send("POST", path, `{"refresh_token":"`+secret, jsonBody)
				s.send("POST", path, secret, jsonBody)
				s.send("POST", path, secret, header("Content-Type", "text/"+url.PathEscape(secret)))
			}
		}
		for _, route := range guarded {
			for _, secret := range everywhere {
				if strings.ContainsAny(secret, "\x00") {
					continue // no header carries it
				}
				s.send(route.method, route.path+"?access_token="+url.QueryEscape(secret), route.body, jsonBody)
				for _, value := range []string{"Bearer " + secret, "Bearer " + secret + " " + secret, secret, "Basic " + secret, "Token " + secret} {
					s.send(route.method, route.path, route.body, jsonBody, header("Authorization", value))
				}
				s.send(route.method, route.path, route.body, header("Cookie", "session="+secret), header("X-Forwarded-For", secret), header("X-Request-Id", secret), header("User-Agent", secret), header("Referer", secret))
			}
		}
		s.get("/" + mark)
		s.send(mark, "/token", "")
		s.get("/users/me/items/?after="+mark+"&limit="+mark, bearer(tokens[0]))
		learn(s.post("/introspect", form("token", tokens[0]), as("service", serviceSecret)))
		s.post("/revoke", form("client_id", "app", "token", tokens[0]))
	}
	check := func(what string, least int) {
		t.Helper()
		log := s.log.String()
		if n := len(s.records("request")); n < least {
			t.Errorf("%s: %d requests are in the log, want %d at least", what, n, least)
		}
		for _, secret := range secrets {
			if i := strings.Index(log, secret); i >= 0 {
				t.Fatalf("%s: a secret is in the log: ...%s", what, log[max(0, i-300):min(len(log), i+len(secret)+50)])
			}
		}
	}
	drive()
	check("in working order", 1000)
	for _, event := range []string{"refresh_token.reused", "access_token.revoked"} {
		if !strings.Contains(s.log.String(), event) {
			t.Errorf("no audit record %s", event)
		}
	}
	before := len(s.records("request"))
	s.db.Close()
	drive()
	check("without a database", before+1000)
	s.srv.DB = nil
	s.loginAs("ann", mark)
	s.post("/revoke", form("token", tokens[0]), as("service", mark))
	check("with panics", before+1000)
	if len(s.records("panic")) == 0 {
		t.Error("nothing panicked")
	}
}
