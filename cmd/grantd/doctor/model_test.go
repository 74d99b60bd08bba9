package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	modelUser     = "ann"
	modelPassword = "correct horse battery"
	modelSecret   = "the secret of web"
	modelRedirect = "https://app.example/cb"
)

// model is a small authorization server that does everything right, but for the point named by fault.
type model struct {
	fault string
	*httptest.Server
	key, stranger *ecdsa.PrivateKey

	mu       sync.Mutex
	codes    map[string]*modelCode
	families map[string]*modelFamily // by refresh token
	access   map[string]bool         // alive
	cookies  map[string]bool
	asked    int      // authorization requests
	given    []string // codes and tokens, for nobody to see
}

type modelCode struct {
	client, redirect, challenge, method, scope string
	family                                     *modelFamily // once it was used
}

// modelFamily are the tokens of one authorization.
type modelFamily struct {
	client, scope, newest string
	access                []string
	ended                 bool
}

func newModel(t *testing.T, fault string) *model {
	t.Helper()
	m := &model{fault: fault, codes: map[string]*modelCode{}, families: map[string]*modelFamily{}, access: map[string]bool{}, cookies: map[string]bool{}}
	for _, key := range []**ecdsa.PrivateKey{&m.key, &m.stranger} {
		var err error
		if *key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", m.serveMetadata)
	mux.HandleFunc("GET /jwks", m.serveKeys)
	mux.HandleFunc("/authorize", m.serveAuthorize)
	mux.HandleFunc("/sign-in", m.serveSignIn)
	mux.HandleFunc("/consent", m.serveConsent)
	mux.HandleFunc("/token", m.serveToken)
	mux.HandleFunc("POST /revoke", m.serveRevoke)
	mux.HandleFunc("POST /introspect", m.serveIntrospect)
	mux.HandleFunc("GET /userinfo", m.serveUserinfo)
	m.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	m.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are looked for
	m.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if m.is("tls_version") {
		m.TLS.MinVersion = tls.VersionTLS10
	}
	m.StartTLS()
	t.Cleanup(m.Close)
	return m
}

func (m *model) is(fault string) bool { return m.fault == fault }

// options are those of an examination that can tell everything that a public client can.
func (m *model) options() Options {
	roots := m.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return Options{
		Issuer: m.URL, Client: Client{ID: "app"}, Other: Client{ID: "other"}, RedirectURI: modelRedirect, User: modelUser, Password: modelPassword, Scope: "a b", Roots: roots,
	}
}

func (m *model) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	if m.is("metadata") {
		http.Error(w, "nothing here", http.StatusNotFound)
		return
	}
	doc := map[string]any{
		"issuer": m.URL, "authorization_endpoint": m.URL + "/authorize", "token_endpoint": m.URL + "/token", "revocation_endpoint": m.URL + "/revoke",
		"introspection_endpoint": m.URL + "/introspect", "userinfo_endpoint": m.URL + "/userinfo", "jwks_uri": m.URL + "/jwks",
		"response_types_supported": []string{"code"}, "grant_types_supported": []string{"authorization_code", "refresh_token", "client_credentials"},
		"code_challenge_methods_supported": []string{"S256"}, "scopes_supported": []string{"a", "b", "c", "openid"},
		"token_endpoint_auth_methods_supported":          []string{"none", "client_secret_basic", "client_secret_post"},
		"authorization_response_iss_parameter_supported": !m.is("iss"),
	}
	contentType := "application/json"
	switch m.fault {
	case "metadata_json":
		contentType = "text/html"
	case "issuer_identical":
		doc["issuer"] = m.URL + "/"
	case "metadata_required":
		delete(doc, "token_endpoint")
	case "endpoints_https":
		doc["introspection_endpoint"] = "http://app.example/introspect"
	case "endpoints_answer":
		doc["registration_endpoint"] = m.URL + "/register"
	case "grant_types_true":
		doc["grant_types_supported"] = []string{"authorization_code", "client_credentials"}
	case "auth_methods_true":
		doc["token_endpoint_auth_methods_supported"] = []string{"client_secret_basic"}
	case "pkce_listed":
		doc["code_challenge_methods_supported"] = []string{"S256", "plain"}
	case "password_absent":
		doc["grant_types_supported"] = []string{"authorization_code", "refresh_token", "client_credentials", "password"}
	}
	reply200(w, contentType, doc)
}

func reply200(w http.ResponseWriter, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	json.NewEncoder(w).Encode(v)
}

func (m *model) serveKeys(w http.ResponseWriter, _ *http.Request) {
	text := func(size int, b []byte) string {
		return base64.RawURLEncoding.EncodeToString(append(make([]byte, size-len(b)), b...))
	}
	key := map[string]any{"kty": "EC", "crv": "P-256", "kid": "one", "alg": "ES256", "use": "sig", "x": text(32, m.key.X.Bytes()), "y": text(32, m.key.Y.Bytes())}
	switch m.fault {
	case "jwks":
		key = map[string]any{"kty": "RSA", "kid": "one", "alg": "RS256", "n": text(64, []byte{1}), "e": "AQAB"}
	case "jwks_public":
		key["d"] = text(32, []byte("what nobody may see"))
	case "jwks_named":
		delete(key, "kid")
	}
	reply200(w, "application/json", map[string]any{"keys": []any{key}})
}

// matches compares redirect URIs, as badly as the fault has it.
func (m *model) matches(asked string) bool {
	u, err := url.Parse(asked)
	if err != nil {
		return false
	}
	plain := *u
	switch m.fault {
	case "redirect_slash":
		plain.Path = strings.TrimSuffix(plain.Path, "/")
	case "redirect_query":
		plain.RawQuery = ""
	case "redirect_host":
		if strings.HasSuffix(plain.Host, "app.example") {
			plain.Host = "app.example"
		}
	case "redirect_port":
		plain.Host = plain.Hostname()
	case "redirect_scheme":
		plain.Scheme = "https"
	case "redirect_path":
		if strings.HasPrefix(plain.Path, "/cb/") {
			plain.Path, plain.RawPath = "/cb", ""
		}
	case "redirect_fragment":
		plain.Fragment = ""
	}
	return plain.String() == modelRedirect
}

// head has what a good page has.
func (m *model) head(w http.ResponseWriter) {
	for header, value := range map[string]struct{ value, fault string }{
		"Content-Security-Policy":   {"frame-ancestors 'none'", "page_frames"},
		"Cache-Control":             {"no-store", "page_no_store"},
		"Referrer-Policy":           {"no-referrer", "page_referrer"},
		"Strict-Transport-Security": {"max-age=31536000", "hsts"},
	} {
		if !m.is(value.fault) {
			w.Header().Set(header, value.value)
		}
	}
	if m.is("authorize_cors") {
		w.Header().Set("Access-Control-Allow-Origin", "*")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
}

func (m *model) show(w http.ResponseWriter, status int, page string) {
	w.WriteHeader(status)
	if m.is("page_foreign") {
		page = `<script src="https://cdn.example/tracker.js"></script>` + page
	}
	fmt.Fprint(w, "<!doctype html><title>Model</title>"+page)
}

func (m *model) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	m.head(w)
	m.asked++
	q := r.URL.Query()
	known := slices.Contains([]string{"app", "web", "other"}, q.Get("client_id"))
	refuse := func(code string) { m.sendTo(w, q, url.Values{"error": {code}}, http.StatusFound) }
	switch {
	case !known && m.is("redirect_unknown_client"), known && m.is("redirect_open") && q.Get("response_type") != "code":
		refuse("invalid_request")
	case !known, !m.matches(q.Get("redirect_uri")):
		m.show(w, http.StatusBadRequest, "<p>This app is not known here.")
	case q.Get("response_type") == "token" && m.is("implicit"):
		w.Header().Set("Location", modelRedirect+"#access_token="+m.secret())
		w.WriteHeader(http.StatusFound)
	case q.Get("response_type") != "code" && m.is("authorize_error"):
		m.show(w, http.StatusBadRequest, "<p>Something is wrong.")
	case q.Get("response_type") != "code":
		refuse("unsupported_response_type")
	case len(q["code_challenge_method"]) > 1 && !m.is("authorize_twice"), !m.challenged(q):
		refuse("invalid_request")
	default:
		m.ask(w, r)
	}
}

func (m *model) challenged(q url.Values) bool {
	if !q.Has("code_challenge") {
		return m.is("pkce_required") || m.is("pkce_downgrade")
	}
	return q.Get("code_challenge_method") == "S256" || m.is("pkce_plain")
}

// ask shows the page to sign in, or that to consent.
func (m *model) ask(w http.ResponseWriter, r *http.Request) {
	hidden := `<input type=hidden name=request value="` + strings.ReplaceAll(r.URL.RawQuery, "&", "&amp;") + `">`
	if cookie, err := r.Cookie("session"); err == nil && m.cookies[cookie.Value] {
		m.show(w, http.StatusOK, `<form method=post action=/consent>`+hidden+`<button name=decision value=deny>Deny</button><button name=decision value=allow>Allow</button></form>`)
		return
	}
	m.show(w, http.StatusOK, `<form action=/search><input name=q></form><form method=POST action="/sign-in">`+hidden+
		`<input name=login type=email><input type=password name=pw><input type=submit name=go value="Sign in"></form>`)
}

func (m *model) serveSignIn(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("login") != modelUser || r.PostFormValue("pw") != modelPassword || r.PostFormValue("go") == "" {
		r.URL.RawQuery = r.PostFormValue("request")
		m.ask(w, r)
		return
	}
	session := m.secret()
	m.cookies[session] = true
	http.SetCookie(w, &http.Cookie{Name: "session", Value: session, Secure: true, HttpOnly: true, Path: "/"})
	w.Header().Set("Location", "/authorize?"+r.PostFormValue("request"))
	w.WriteHeader(http.StatusSeeOther)
}

func (m *model) serveConsent(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.PostFormValue("request"))
	cookie, noCookie := r.Cookie("session")
	if err != nil || noCookie != nil || !m.cookies[cookie.Value] || r.PostFormValue("decision") != "allow" {
		m.show(w, http.StatusForbidden, "no")
		return
	}
	code := m.secret()
	if m.is("code_guess") {
		code = fmt.Sprint(1000 + len(m.codes))
	}
	m.codes[code] = &modelCode{
		client: q.Get("client_id"), redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), method: q.Get("code_challenge_method"), scope: q.Get("scope"),
	}
	status := http.StatusSeeOther
	if m.is("redirect_307") {
		status = http.StatusTemporaryRedirect
	}
	m.sendTo(w, q, url.Values{"code": {code}}, status)
}

// sendTo sends the browser to the app with an answer.
func (m *model) sendTo(w http.ResponseWriter, q, answer url.Values, status int) {
	if q.Has("state") {
		answer.Set("state", q.Get("state"))
	}
	switch {
	case m.is("state"):
		answer.Set("state", strings.ToLower(q.Get("state")))
	case m.is("iss"):
	case m.is("iss_true"):
		answer.Set("iss", "https://another.example")
	}
	if !m.is("iss") && !m.is("iss_true") {
		answer.Set("iss", m.URL)
	}
	to, err := url.Parse(q.Get("redirect_uri"))
	if err != nil {
		m.show(w, http.StatusBadRequest, "no")
		return
	}
	old := to.Query()
	for name, values := range answer {
		old[name] = values
	}
	to.RawQuery = old.Encode()
	w.Header().Set("Location", to.String())
	w.WriteHeader(status)
}

// secret is a new code, cookie or token.
func (m *model) secret() string {
	s := rand.Text()
	m.given = append(m.given, s)
	return s
}

// bothKinds takes TLS and, beside it, plain connections at one address.
type bothKinds struct {
	net.Listener
	config *tls.Config
}

func (l bothKinds) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	first := make([]byte, 1)
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadFull(c, first); err != nil {
		return nil, err
	}
	c.SetReadDeadline(time.Time{})
	whole := peeked{c, io.MultiReader(strings.NewReader(string(first)), c)}
	if first[0] == 0x16 { // a TLS handshake
		return tls.Server(whole, l.config), nil
	}
	return whole, nil
}

type peeked struct {
	net.Conn
	r io.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.r.Read(b) }
