package server_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
)

// someLimits are the defaults of the settings.
var someLimits = server.Limits{
	Account:    server.Rate{Burst: 30, Per: 12 * time.Hour},
	KnownPlace: server.Rate{Burst: 10, Per: time.Hour},
	Address:    server.Rate{Burst: 100, Per: time.Hour},
	Signup:     server.Rate{Burst: 10, Per: time.Hour},
	Client:     server.Rate{Burst: 5000, Per: time.Second},
}

// hashCounter counts how often a password is compared.
type hashCounter struct {
	server.OwnHasher
	matches atomic.Int64
}

func (h *hashCounter) Match(hash, password string) (bool, error) {
	h.matches.Add(1)
	return h.OwnHasher.Match(hash, password)
}

// limited starts a server with limits, behind a proxy that says where requests come from.
func limited(t testing.TB, change ...func(*server.Options)) (*system, *hashCounter) {
	h := &hashCounter{}
	return newSystem(t, append([]func(*server.Options){func(o *server.Options) {
		o.Limits, o.Hasher, o.TrustedProxies = someLimits, h, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	}}, change...)...), h
}

// at is where a request comes from, as the proxy says.
func at(address string) edit { return header("X-Forwarded-For", address) }

// guess tries a password at /token from an address.
func (s *system) guess(address, username, secret string) reply {
	s.t.Helper()
	return s.post("/token", form("grant_type", "password", "client_id", "app", "username", username, "password", secret), at(address))
}

// guesses tries wrong passwords from an address, and returns how many were looked at before the first that was not.
func (s *system) guesses(address, username string, n int) (tried int) {
	s.t.Helper()
	for range n {
		if s.guess(address, username, "a wrong password").StatusCode == http.StatusTooManyRequests {
			return tried
		}
		tried++
	}
	return tried
}

// wantLimited wants the answer to who guessed too often.
func (r reply) wantLimited(t testing.TB) {
	t.Helper()
	r.wantError(t, http.StatusTooManyRequests, "temporarily_unavailable")
	if after, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || after < 1 {
		t.Errorf("Retry-After %q", r.Header.Get("Retry-After"))
	}
	if !strings.HasPrefix(r.str("error_description"), "too many attempts; try again in ") {
		t.Errorf("%s", r.body)
	}
}

// Whoever mistypes gets in, wherever they are, and what was counted is given back.
func TestMistyping(t *testing.T) {
	s, _ := limited(t)
	for day := range 20 {
		if n := s.guesses("192.0.2.1", "ann", 5); n != 5 {
			t.Fatalf("day %d: %d of 5 wrong ones were looked at", day, n)
		}
		for range 20 { // right ones do not count
			s.guess("192.0.2.1", "ann", password).wantOK(t)
		}
		s.clock.Add(24 * time.Hour)
	}
}

// Many addresses together have no more guesses at an account than one.
func TestGuessesFromManyAddresses(t *testing.T) {
	t.Run("6749-4.3.2 guesses from 1000 addresses", testManyAddresses)
}

func testManyAddresses(t *testing.T) {
	s, h := limited(t)
	tried := 0
	for i := range 1000 {
		address := fmt.Sprintf("198.51.%d.%d", i/250, i%250)
		switch res := s.guess(address, "ann", "a wrong password"); res.StatusCode {
		case http.StatusBadRequest:
			tried++
		default:
			res.wantLimited(t)
		}
		s.clock.Add(time.Hour / 1000)
	}
	if want := 30 + 2; tried != want || h.matches.Load() != int64(want) { // one is back after each 24 minutes
		t.Errorf("%d guesses, %d hashes in an hour, want %d", tried, h.matches.Load(), want)
	}
	// The right one is refused, too: else it were no limit.
	s.guess("203.0.113.1", "ann", password).wantLimited(t)
}

// Strangers who guess keep nobody out of where they have been before.
func TestKnownPlacesAreNotLockedOut(t *testing.T) {
	s, _ := limited(t)
	s.guess("192.0.2.1", "ann", password).wantOK(t)
	b := s.browser()
	b.open("/login", at("192.0.2.2"))
	b.signInAt("192.0.2.2", "ann", password)
	s.clock.Add(time.Minute)
	for i := range 31 {
		s.guesses(fmt.Sprintf("198.51.100.%d", i), "ann", 1)
	}
	s.guess("203.0.113.1", "ann", password).wantLimited(t)
	s.guess("192.0.2.1", "ann", password).wantOK(t)
	s.guess("192.0.2.2", "ann", password).wantOK(t)
	travels := s.browser()
	travels.jar = b.jar
	travels.open("/logout", at("203.0.113.2"))
	travels.press("Sign out", at("203.0.113.2"))
	travels.open("/login", at("203.0.113.2"))
	if travels.signInAt("203.0.113.2", "ann", password); travels.at.Path != "/account" {
		t.Errorf("in a known browser elsewhere: %d %s", travels.status, travels.text())
	}
	// That is one of bob's, where he has not been.
	travels.open("/login", at("203.0.113.2"))
	for i := range 31 {
		s.guesses(fmt.Sprintf("198.51.100.%d", i), "bob", 1)
	}
	if travels.signInAt("203.0.113.2", "bob", password); travels.status != http.StatusTooManyRequests {
		t.Errorf("ann's browser is known to bob: %d", travels.status)
	}
}

// signInAt is signIn from an address.
func (b *browser) signInAt(address, username, secret string) {
	b.t.Helper()
	b.fill("Username or email", username)
	b.fill("Password", secret)
	b.press("Sign in", at(address))
}

// Who shares a known address has as few guesses there as anybody, and does not use up those of the browser.
func TestGuessesAtAKnownPlace(t *testing.T) {
	s, _ := limited(t)
	b := s.browser()
	b.open("/login", at("192.0.2.1"))
	b.signInAt("192.0.2.1", "ann", password)
	if n := s.guesses("192.0.2.1", "ann", 50); n != 10 {
		t.Errorf("%d guesses at a known address", n)
	}
	s.guess("192.0.2.1", "ann", password).wantLimited(t)
	s.guess("192.0.2.9", "ann", password).wantOK(t) // others are not touched
	b.open("/login", at("192.0.2.1"))
	if b.signInAt("192.0.2.1", "ann", password); b.at.Path != "/account" {
		t.Errorf("in a known browser: %d %s", b.status, b.text())
	}
	s.clock.Add(6 * time.Minute)
	s.guess("192.0.2.1", "ann", password).wantOK(t)
	if n := s.guesses("192.0.2.1", "ann", 50); n != 10 { // NIST SP 800-63B §3.2.2: those before are forgotten
		t.Errorf("%d guesses after a login", n)
	}
}

// Whether an account exists, or may be used, is not told by its limit.
func TestUnknownUsersAreLimitedAlike(t *testing.T) {
	s, h := limited(t)
	for _, name := range []string{"bob", "nobody", "Nobody@example.com", "eve", "ann@example.com"} {
		before := h.matches.Load()
		if n := s.guesses("198.51.100.1", name, 31); n != 30 {
			t.Errorf("%s: %d guesses", name, n)
		}
		if n := h.matches.Load() - before; n != 30 {
			t.Errorf("%s: %d hashes", name, n)
		}
		res := s.guess("198.51.100.2", strings.ToUpper(name), "a wrong password")
		res.wantLimited(t)
		if got := res.Header.Get("Retry-After") + res.str("error_description"); got != "1440too many attempts; try again in 24 minutes" {
			t.Errorf("%s: %s", name, got)
		}
		s.clock.Add(12 * time.Hour)
	}
	// The right password of a disabled user counts as a wrong one.
	tried := 0
	for i := range 40 {
		if s.guess(fmt.Sprintf("198.51.100.%d", i), "eve", password).StatusCode == http.StatusBadRequest {
			tried++
		}
	}
	if tried != 30 {
		t.Errorf("%d guesses at a disabled user", tried)
	}
	// Nothing that was typed is in the database or the log.
	s.guess("198.51.100.9", "hunter2", "hunter2")
	s.restart(func(path string) {
		if strings.Contains(readFile(t, path), "hunter2") {
			t.Error("what was typed is in the database")
		}
	})
	if strings.Contains(s.log.String(), "hunter2") {
		t.Error("what was typed is in the log")
	}
}

// All servers on a database count together.
func TestServersShareLimits(t *testing.T) {
	s, _ := limited(t)
	other := s.beside(0)
	for i := range 15 {
		for _, one := range []*system{s, other} {
			one.guess("198.51.100.1", "ann", "a wrong password").wantError(t, http.StatusBadRequest, "invalid_grant")
		}
		_ = i
	}
	s.guess("198.51.100.2", "ann", password).wantLimited(t)
	other.guess("198.51.100.3", "ann", password).wantLimited(t)
}

// One address has so many guesses at all accounts together; of IPv6 a /64 counts as one.
func TestGuessesFromOneAddress(t *testing.T) {
	s, _ := limited(t)
	for name, address := range map[string]func(i int) string{
		"6749-10.10 guesses from one address of IPv4": func(int) string { return "198.51.100.1" },
		"6749-10.10 guesses from one /64 of IPv6":     func(i int) string { return fmt.Sprintf("2001:db8:0:1:%x::%x", i, i) },
	} {
		tried := 0
		for i := range 120 {
			tried += s.guesses(address(i), fmt.Sprintf("nobody%d", i), 1)
		}
		if tried != 100 {
			t.Errorf("%s: %d guesses", name, tried)
		}
		s.guess(address(7), "ann", password).wantLimited(t)
	}
	s.guess("198.51.100.2", "ann", password).wantOK(t)
	s.guess("2001:db8:0:2::1", "bob", password).wantOK(t)
}

// Where an address that is not to be believed says so, its own counts.
func TestGuessesWithMadeUpAddresses(t *testing.T) {
	s, _ := limited(t, func(o *server.Options) { o.TrustedProxies = nil })
	for i := range 100 {
		s.guesses(fmt.Sprintf("198.51.100.%d", i), fmt.Sprintf("nobody%d", i), 1)
	}
	s.guess("203.0.113.1", "ann", password).wantLimited(t)
}

// A refusal without a hash takes as long as one with it, whether or not the account exists.
func TestLimitedTakesAsLongAsAHash(t *testing.T) {
	s, h := limited(t)
	for i, name := range []string{"ann", "nobody"} {
		s.guesses(fmt.Sprintf("198.51.100.%d", i), name, 30)
	}
	hashed := h.matches.Load()
	s.srv.SetHashTime(200 * time.Millisecond)
	for range 2 { // the second is remembered
		for _, name := range []string{"ann", "nobody"} {
			start := time.Now()
			s.guess("203.0.113.1", name, password).wantLimited(t)
			if took := time.Since(start); took < 200*time.Millisecond {
				t.Errorf("%s was refused in %v", name, took)
			}
		}
	}
	if h.matches.Load() != hashed {
		t.Error("who is limited costs a hash")
	}
}

// A storm of guesses at what is known to be used up asks the database nothing.
func TestLimitedAsksNobody(t *testing.T) {
	s, _ := limited(t)
	s.guesses("198.51.100.1", "ann", 31)
	s.db.Close()
	s.guess("198.51.100.2", "ann", password).wantLimited(t)
	s.guess("198.51.100.2", "bob", password).wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
}

// Nor does one that finds the queue full.
func TestFullQueueAsksNobody(t *testing.T) {
	s, h := limited(t)
	s.post("/revoke", form("client_id", "app", "token", "x")).wantOK(t) // the client is known from now on
	t.Cleanup(s.srv.FillHashQueueWithStrangers())
	s.db.Close()
	res := s.guess("198.51.100.2", "ann", password)
	res.wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	if res.str("error_description") != "too many logins at once; try again" || res.Header.Get("Retry-After") == "" || h.matches.Load() != 0 {
		t.Errorf("%s, %d hashes", res.body, h.matches.Load())
	}
}

// An operator lets somebody in who is locked out.
func TestUnlock(t *testing.T) {
	s, _ := limited(t)
	s.guesses("198.51.100.1", "ann", 31)
	if n, err := s.db.FillBuckets(t.Context(), server.LimitKey("u-ann")); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	s.clock.Add(5 * time.Second)
	s.guess("198.51.100.2", "ann", password).wantOK(t)
}

// While the queue is full of strangers, known places are let in before anything else is, also after a restart.
func TestKnownPlacesInAStorm(t *testing.T) {
	s, _ := limited(t, func(o *server.Options) { o.MaxConcurrentHashes = 1 })
	s.guess("192.0.2.1", "ann", password).wantOK(t)
	s.startServer()
	release := s.srv.FillHashQueueWithStrangers()
	s.guess("198.51.100.1", "ann", password).wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	done := make(chan reply)
	go func() { done <- s.guess("192.0.2.1", "ann", password) }()
	eventually(t, 10*time.Second, "a stranger made room", func() bool { return s.srv.StrangersWaiting() == server.QueuePerHash-1 })
	release()
	(<-done).wantOK(t)
}

// Pages say in words what APIs say in numbers.
func TestPagesOfWhoIsLimited(t *testing.T) {
	s, _ := limited(t)
	b := s.browser()
	b.open("/login")
	for range 31 {
		b.signIn("ann", "a wrong password")
	}
	if b.status != http.StatusTooManyRequests || b.header.Get("Retry-After") != "1440" || !strings.Contains(b.text(), "Too many attempts; try again in 24 minutes.") {
		t.Errorf("%d, retry after %q: %s", b.status, b.header.Get("Retry-After"), b.text())
	}
	if b.value("Username or email") != "ann" || strings.Contains(b.source, "a wrong password") {
		t.Errorf("%s", b.source)
	}

	// Whoever sits at a browser that was left open has as few guesses at its password.
	left := s.signedIn("bob")
	for range 11 {
		left.open("/account")
		left.fill("Current password", "a wrong password")
		left.fill("New password", "a new password")
		left.fill("New password, once more", "a new password")
		left.press("Change password")
	}
	if left.status != http.StatusTooManyRequests || !strings.Contains(left.text(), "Too many attempts; try again in 6 minutes.") {
		t.Errorf("%d: %s", left.status, left.text())
	}
	s.guess("192.0.2.1", "bob", password).wantOK(t) // that is their own
}

// A new place is an event, and a new password forgets all others.
func TestPlacesComeAndGo(t *testing.T) {
	s, _ := limited(t)
	events := func() int { return strings.Count(s.log.String(), `"event":"login.new_place"`) }
	for _, address := range []string{"192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::2"} {
		s.guess(address, "ann", password).wantOK(t)
	}
	if n := events(); n != 2 {
		t.Errorf("%d events for two places", n)
	}
	b := s.browser()
	b.open("/login", at("192.0.2.1"))
	b.signInAt("192.0.2.1", "ann", password)
	if n := events(); n != 3 {
		t.Errorf("%d events after a new browser", n)
	}
	b.fill("Current password", password)
	b.fill("New password", "a new password")
	b.fill("New password, once more", "a new password")
	b.press("Change password", at("192.0.2.1"))
	for i := range 31 {
		s.guesses(fmt.Sprintf("198.51.100.%d", i), "ann", 1)
	}
	s.guess("2001:db8::1", "ann", "a new password").wantLimited(t)
	s.guess("192.0.2.1", "ann", "a new password").wantOK(t)
}

// The cookie by which a browser is known lasts, is for this server alone, and one that is made up is none.
func TestBrowserCookie(t *testing.T) {
	s, _ := limited(t, fixedIssuer)
	login := func(edits ...edit) *http.Cookie {
		res := s.post("/login", form("username", "ann", "password", password), edits...)
		if res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d %s", res.StatusCode, res.body)
		}
		for _, c := range res.Cookies() {
			if c.Name == "__Host-grantd_device" {
				return c
			}
		}
		t.Fatal("no cookie")
		return nil
	}
	first := login()
	if !first.HttpOnly || !first.Secure || first.SameSite != http.SameSiteLaxMode || first.Path != "/" || first.Domain != "" || first.MaxAge != 180*24*3600 {
		t.Errorf("%+v", first)
	}
	again := login(header("Cookie", first.Name+"="+first.Value))
	if again.Value != first.Value {
		t.Error("the browser is another one now")
	}
	for _, value := range []string{"", "x", ".", strings.Repeat("A", 5000), "AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		if c := login(header("Cookie", first.Name+"="+value)); len(c.Value) != len(first.Value) || c.Value == first.Value {
			t.Errorf("%q becomes %q", value, c.Value)
		}
	}
	if res := s.post("/login", form("username", "ann", "password", "wrong")); len(res.Cookies()) != 0 {
		t.Errorf("who is refused gets %v", res.Cookies())
	}
}

// Signing up costs a hash each time, and so is counted, on the page as at the API.
func TestSignupLimit(t *testing.T) {
	s, _ := limited(t)
	signUp := func(i int, address string) reply {
		body := fmt.Sprintf(`{"username":"u%d","password":"a long password"}`, i)
		return s.send("POST", "/users/", body, jsonBody, at(address))
	}
	for i := range 9 {
		if res := signUp(i, "192.0.2.1"); res.StatusCode != http.StatusCreated {
			t.Fatalf("%d %s", res.StatusCode, res.body)
		}
	}
	b := s.browser()
	for i := range 2 {
		b.open("/signup")
		b.fill("Username", fmt.Sprint("page", i))
		b.fill("Password", "a long password")
		b.press("Create account", at("192.0.2.1"))
	}
	if b.status != http.StatusTooManyRequests || !strings.Contains(b.text(), "Too many attempts; try again in 6 minutes.") {
		t.Errorf("%d %s", b.status, b.text())
	}
	signUp(10, "192.0.2.1").wantLimited(t)
	if res := signUp(11, "192.0.2.2"); res.StatusCode != http.StatusCreated {
		t.Errorf("from elsewhere: %d %s", res.StatusCode, res.body)
	}
}

// So many requests a client may send to a server; of a public one, whom anybody can be, each address.
func TestClientLimit(t *testing.T) {
	s, _ := limited(t, func(o *server.Options) { o.Limits.Client = server.Rate{Burst: 4, Per: 4 * time.Second} })
	service := as("service", serviceSecret)
	for _, path := range []string{"/token", "/introspect", "/revoke", "/refresh"} {
		s.post(path, form("token", "x", "refresh_token", "x", "grant_type", "refresh_token"), service)
	}
	res := s.post("/token", form("grant_type", "client_credentials"), service, at("192.0.2.1"))
	res.wantError(t, http.StatusTooManyRequests, "temporarily_unavailable")
	if res.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
	}
	s.post("/token", form("grant_type", "client_credentials"), as("service", "wrong")).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.post("/token", form("grant_type", "client_credentials"), as("plain-service", "plain")).wantOK(t)
	s.clock.Add(time.Second)
	s.post("/token", form("grant_type", "client_credentials"), service).wantOK(t)

	for range 4 {
		s.guess("192.0.2.1", "ann", password).wantOK(t)
	}
	s.guess("192.0.2.1", "ann", password).wantError(t, http.StatusTooManyRequests, "temporarily_unavailable")
	s.guess("192.0.2.2", "ann", password).wantOK(t)
}

func TestWireOfWhoIsLimited(t *testing.T) {
	s, _ := limited(t, fixedIssuer)
	s.guesses("198.51.100.1", "ann", 30)
	t.Run("6585-4 when to try again", func(t *testing.T) {
		golden(t, "error_limited", s.guess("198.51.100.2", "ann", "a wrong password").wire())
	})
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
