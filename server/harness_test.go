package server_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// fakeClock stands still until a test moves it.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// logBuffer takes the log of a server that other goroutines write.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// system is a whole server on a real database, reached over real HTTP.
type system struct {
	t      testing.TB
	srv    *server.Server
	web    *httptest.Server
	db     *store.DB
	path   string // of the database
	url    string // of the database
	clock  *fakeClock
	log    *logBuffer
	master *token.Master
	opts   server.Options
}

// The users and clients of every test system. All passwords are "correct horse".
const (
	password      = "correct horse"
	serviceSecret = "service secret +/%"
	// bcrypt of password at cost 4
	passwordHash = "$2a$04$HZ1xegxtc5GLKMpObOnWE.aDArVU3bbXZSPkuO81gWTYToLSEv4jO"
)

// newSystem starts a server. change, if given, alters its options first.
func newSystem(t testing.TB, change ...func(*server.Options)) *system {
	t.Helper()
	path := filepath.Join(t.TempDir(), "grantd.db")
	return newSystemOn(t, path, "sqlite:"+path, change...)
}

func newSystemOn(t testing.TB, path, url string, change ...func(*server.Options)) *system {
	t.Helper()
	s := &system{
		t: t, path: path, url: url, log: &logBuffer{},
		clock: &fakeClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, master: masterOf(t, 7),
	}
	s.openDB()
	t.Cleanup(func() { s.db.Close() })
	s.populate()
	s.web = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.srv.ServeHTTP(w, r) }))
	s.opts = server.Options{
		DB: s.db, Master: s.master, Issuer: "http://" + s.web.Listener.Addr().String(),
		Scopes: []server.Scope{
			{Name: "me", Description: "Read your profile"}, {Name: "items", Description: "Read your items"},
			{Name: "items:write", Description: "Add items"}, {Name: "admin", Description: "Everything"},
		},
		AccessTTL: 15 * time.Minute, RefreshTTL: 720 * time.Hour, RefreshMaxTTL: 2160 * time.Hour, ReuseGrace: 30 * time.Second,
		SigningAlg: token.ES256, BcryptCost: 4, MaxConcurrentHashes: 4, DefaultClient: "app",
		Signup: true, Resources: true, Version: "test", AuditRetention: 2160 * time.Hour, RoutineRetention: 168 * time.Hour,
		Log: slog.New(slog.NewJSONHandler(s.log, nil)), Now: s.clock.Now,
	}
	for _, c := range change {
		c(&s.opts)
	}
	if s.opts.Master == s.master {
		s.addRSAKey()
	}
	s.startServer()
	s.web.Start()
	t.Cleanup(s.web.Close)
	return s
}

// masterOf makes a master key of 32 times the same byte.
func masterOf(t testing.TB, b byte) *token.Master {
	t.Helper()
	m, err := token.NewMaster(bytes.Repeat([]byte{b}, token.MasterKeySize))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (s *system) openDB() {
	s.t.Helper()
	var err error
	if s.db, err = store.Open(s.t.Context(), s.url); err != nil {
		s.t.Fatal(err)
	}
	if _, _, err := s.db.Migrate(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// startServer puts a server made of s.opts behind s.web.
func (s *system) startServer() {
	s.t.Helper()
	srv, err := server.New(s.t.Context(), s.opts)
	if err != nil {
		s.t.Fatal(err)
	}
	s.srv = srv
}

// restart stops the server, lets change do what it likes to the file of the
// database, and starts again.
func (s *system) restart(change func(path string)) {
	s.t.Helper()
	if err := s.db.Close(); err != nil { // also folds the write-ahead log into the file
		s.t.Fatal(err)
	}
	change(s.path)
	s.openDB()
	s.opts.DB = s.db
	s.startServer()
}

// beside starts another server on the same database, whose clock is off by skew.
func (s *system) beside(skew time.Duration) *system {
	s.t.Helper()
	other := *s
	other.clock = &fakeClock{now: s.clock.Now().Add(skew)}
	other.opts.Now = other.clock.Now
	other.startServer()
	other.web = httptest.NewServer(other.srv)
	s.t.Cleanup(other.web.Close)
	return &other
}

// populate adds: users ann (all scopes), bob (only me), eve (disabled); public
// clients app and other, confidential client service, and no-refresh, which may
// not refresh.
func (s *system) populate() {
	s.t.Helper()
	ctx, now := s.t.Context(), s.clock.Now()
	for _, u := range []store.User{
		{ID: "u-ann", Username: "ann", Email: "ann@example.com", FullName: "Ann Example"},
		{ID: "u-bob", Username: "bob", Email: "bob@example.com", Scopes: []string{"me"}},
		{ID: "u-eve", Username: "eve", Email: "eve@example.com", DisabledAt: now},
	} {
		u.PasswordHash, u.CreatedAt = passwordHash, now
		if err := s.db.CreateUser(ctx, u); err != nil {
			s.t.Fatal(err)
		}
	}
	open := []string{"me", "items", "items:write"}
	for _, c := range []store.Client{
		{ID: "app", Grants: []string{"password", "refresh_token"}, Scopes: open},
		{ID: "other", Grants: []string{"password", "refresh_token"}, Scopes: open, DefaultScopes: []string{"me"}},
		{ID: "no-refresh", Grants: []string{"password"}, Scopes: open},
		{
			ID: "service", SecretHash: server.HashSecret(serviceSecret), Grants: []string{"client_credentials", "password", "refresh_token"},
			Scopes: open, DefaultScopes: []string{"items"}, Introspect: true,
		},
		{ID: "plain-service", SecretHash: server.HashSecret("plain"), Grants: []string{"client_credentials"}, Scopes: open},
	} {
		c.CreatedAt = now
		if err := s.db.CreateClient(ctx, c); err != nil {
			s.t.Fatal(err)
		}
	}
}

// A key pair that was made beforehand, since RSA takes its time: a store.SigningKey whose private half
// is sealed with masterOf(t, 7). No other server has it.
//
//go:embed testdata/rs256_key.json
var rsaKey []byte

// addRSAKey saves the server from making one.
func (s *system) addRSAKey() {
	s.t.Helper()
	var row store.SigningKey
	if err := json.Unmarshal(rsaKey, &row); err != nil {
		s.t.Fatal(err)
	}
	row.CreatedAt, row.SignFrom = s.clock.Now(), s.clock.Now()
	if added, err := s.db.AddFirstSigningKey(s.t.Context(), row); err != nil || !added {
		s.t.Fatalf("add the RSA key: %v, %v", added, err)
	}
}

// reply is an answer, read whole.
type reply struct {
	*http.Response
	body string
	JSON map[string]any
}

func (r reply) str(name string) string {
	v, _ := r.JSON[name].(string)
	return v
}

// form makes a form body of name and value pairs.
func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// edit changes a request before it is sent.
type edit func(*http.Request)

// as authenticates with Basic, form-url-encoded as RFC 6749 §2.3.1 has it.
func as(id, secret string) edit {
	return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
}

func bearer(token string) edit {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func header(name, value string) edit {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

// post sends a form.
func (s *system) post(path string, body url.Values, edits ...edit) reply {
	s.t.Helper()
	return s.send("POST", path, body.Encode(), append([]edit{header("Content-Type", "application/x-www-form-urlencoded")}, edits...)...)
}

func (s *system) get(path string, edits ...edit) reply {
	s.t.Helper()
	return s.send("GET", path, "", edits...)
}

func (s *system) send(method, path, body string, edits ...edit) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.web.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range edits {
		e(r)
	}
	res, err := http.DefaultTransport.RoundTrip(r) // no redirects, no cookies
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return replyOf(res, text)
}

func replyOf(res *http.Response, body []byte) reply {
	out := reply{Response: res, body: string(body)}
	json.Unmarshal(body, &out.JSON) // not every answer is an object
	return out
}

// login gets tokens for ann from the public client app.
func (s *system) login(scope string) reply {
	s.t.Helper()
	res := s.post("/token", form("grant_type", "password", "client_id", "app", "username", "ann", "password", password, "scope", scope))
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("login: %d %s", res.StatusCode, res.body)
	}
	return res
}

// refresh sends a refresh token as client app.
func (s *system) refresh(token string, pairs ...string) reply {
	s.t.Helper()
	return s.post("/token", form(append([]string{"grant_type", "refresh_token", "client_id", "app", "refresh_token", token}, pairs...)...))
}

// wantError checks status and error code of a refusal, and that nobody may keep it.
func (r reply) wantError(t testing.TB, status int, code string) {
	t.Helper()
	if r.StatusCode != status || r.str("error") != code {
		t.Errorf("got %d %s, want %d %s", r.StatusCode, r.body, status, code)
	}
	if r.str("error_description") == "" {
		t.Errorf("no error_description in %s", r.body)
	}
	if got := r.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
}

// wantOK checks that a request was answered.
func (r reply) wantOK(t testing.TB) {
	t.Helper()
	if r.StatusCode != http.StatusOK {
		t.Errorf("got %d %s, want 200", r.StatusCode, r.body)
	}
}

// wantRefusal checks a refusal of an OAuth endpoint by the letter: RFC 6749 §5.2
// for the body, contract §5 for who is challenged.
func (r reply) wantRefusal(t testing.TB, status int, code string, challenged ...string) {
	t.Helper()
	r.wantError(t, status, code)
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	if len(r.JSON) != 3 || r.str("request_id") != r.Header.Get("X-Request-Id") {
		t.Errorf("members besides error, error_description and request_id in %s", r.body)
	}
	// RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E
	if i := strings.IndexFunc(r.str("error_description"), func(c rune) bool { return c < 0x20 || c > 0x7e || c == '"' || c == '\\' }); i >= 0 {
		t.Errorf("character %d of %q is not allowed", i, r.str("error_description"))
	}
	if got := r.Header.Values("WWW-Authenticate"); !slices.Equal(got, challenged) {
		t.Errorf("WWW-Authenticate %q, want %q", got, challenged)
	}
	if got := r.Header.Get("Retry-After") != ""; got != (status == http.StatusServiceUnavailable) {
		t.Errorf("Retry-After %q on status %d", r.Header.Get("Retry-After"), status)
	}
}

// cookie is that of a browser in which a user is signed in since now.
func (s *system) cookie(userID string) edit {
	s.t.Helper()
	_, cookie := s.session(userID)
	return cookie
}

// session is one of a user since now, and the cookie of its browser.
func (s *system) session(userID string) (id string, cookie edit) {
	s.t.Helper()
	id = rand.Text()
	secret, now := rand.Text(), s.clock.Now()
	sum := sha256.Sum256([]byte(secret))
	put, err := s.db.PutSession(s.t.Context(), store.Session{
		ID: id, Cookie: base64.RawURLEncoding.EncodeToString(sum[:]), UserID: userID, AuthTime: now, CreatedAt: now, SeenAt: now,
		ExpiresAt: now.Add(12 * time.Hour), MaxExpiresAt: now.Add(7 * 24 * time.Hour),
	}, passwordHash)
	if err != nil || !put {
		s.t.Fatalf("session of %s: %v, %v", userID, put, err)
	}
	issuer, err := url.Parse(s.opts.Issuer)
	if err != nil {
		s.t.Fatal(err)
	}
	name := "grantd_session_" + issuer.Port() + strings.ReplaceAll(issuer.Path, "/", "_")
	return id, header("Cookie", name+"="+secret)
}
