package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// seed is a request that is right, as it goes over the wire.
type seed struct {
	operation    string // as openapi.json names it
	header, body string
}

func (s seed) bytes() []byte {
	return fmt.Appendf(nil, "%s\r\nContent-Length: %d\r\n\r\n%s", s.header, len(s.body), s.body)
}

// recording is a person with an app, and what they sent.
type recording struct {
	s               *process
	access, refresh string
	cookie          string
	seeds           []seed
}

// record makes a request for each operation of the server, and for what the pages send.
func record(t *testing.T, s *process) *recording {
	t.Helper()
	tokens := tokensOf(t, s.post("/token", form("grant_type", "password", "username", "johndoe", "password", "secret", "scope", "me items items:write offline_access")))
	r := &recording{s: s, access: tokens.Access, refresh: tokens.Refresh}
	r.cookie = r.signIn(t)
	bearer := "Authorization: Bearer " + r.access
	service := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("dev-service:dev-service-secret"))
	cookie := "Cookie: " + r.cookie
	asks := form("response_type", "code", "client_id", "dev", "redirect_uri", "http://127.0.0.1/callback", "scope", "openid me",
		"state", "s", "code_challenge", strings.Repeat("A", 43), "code_challenge_method", "S256", "claims", `{"id_token":{"acr":null}}`, "max_age", "60", "resource", s.URL)
	for _, path := range []string{"/", "/docs", "/openapi.json", "/revocations", "/.well-known/jwks.json", "/.well-known/openid-configuration",
		"/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource", "/assets/pages.css"} {
		r.get(path, nil, "If-None-Match: \"a\"", "Accept: text/html")
	}
	for _, path := range []string{"/status/", "/users/me/", "/userinfo"} {
		r.get(path, nil, bearer)
	}
	r.get("/users/me/items/", form("limit", "2", "after", "Foo"), bearer)
	r.post("/users/me/items/", nil, bearer)
	r.seeds[len(r.seeds)-1] = seed{"POST /users/me/items/", "POST /users/me/items/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + bearer, `{"item_id":"Bar"}`}
	r.post("/userinfo", nil, bearer)
	r.post("/users/", form("username", "carla", "password", "a long password", "email", "carla@example.com", "full_name", "Carla"))
	r.post("/token", form("grant_type", "password", "username", "johndoe", "password", "secret", "scope", "me", "client_id", "dev"))
	r.post("/token", form("grant_type", "refresh_token", "refresh_token", r.refresh, "scope", "me"))
	r.post("/token", form("grant_type", "client_credentials", "scope", ""), service)
	r.post("/token", form("grant_type", "authorization_code", "code", strings.Repeat("A", 43), "client_id", "dev",
		"redirect_uri", "http://127.0.0.1/callback", "code_verifier", strings.Repeat("v", 43)))
	r.post("/refresh", form("refresh_token", r.refresh))
	r.post("/revoke", form("token", r.access, "token_type_hint", "access_token", "client_id", "dev"))
	r.post("/introspect", form("token", r.access), service)
	r.get("/authorize", asks, cookie)
	r.post("/authorize", asks, cookie)
	r.get("/logout", form("post_logout_redirect_uri", "http://127.0.0.1/", "client_id", "dev", "state", "s"), cookie)
	r.post("/logout", form("id_token_hint", r.access), cookie)
	r.get("/login", form("return_to", "/authorize?"+asks.Encode()))
	r.post("/login", form("username", "johndoe", "password", "secret", "return_to", "/account"))
	r.get("/signup", nil)
	r.post("/signup", form("username", "dora", "password", "a long password"))
	r.post("/consent", form("decision", "allow", "scope.me", "on", "request", asks.Encode()), cookie)
	for _, path := range []string{"revoke", "sessions", "password"} {
		r.post("/account/"+path, form("client", "dev", "session", "x", "password", "secret", "new_password", "another password"), cookie)
	}
	r.get("/account", nil, cookie)
	return r
}

func (r *recording) get(path string, query url.Values, headers ...string) {
	target := path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	header := strings.Join(append([]string{"GET " + target + " HTTP/1.1", "Host: localhost"}, headers...), "\r\n")
	r.seeds = append(r.seeds, seed{"GET " + path, header, ""})
}

func (r *recording) post(path string, body url.Values, headers ...string) {
	header := strings.Join(append([]string{"POST " + path + " HTTP/1.1", "Host: localhost", "Content-Type: " + formType}, headers...), "\r\n")
	r.seeds = append(r.seeds, seed{"POST " + path, header, body.Encode()})
}

// signIn gives the cookie of a browser.
func (r *recording) signIn(t *testing.T) string {
	t.Helper()
	r.s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a := r.s.post("/login", form("username", "johndoe", "password", "secret"))
	wantStatus(t, "sign in", a, 303)
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return cookie
}

// Requests that were right before a few of their bytes were changed: each is refused or served, none does harm.
func TestMutatedRequests(t *testing.T) {
	t.Parallel()
	s := startVictim(t)
	r := record(t, s.process)
	r.wantAllOperations(t)
	for _, seed := range r.seeds {
		if status, err := send(s.process, seed.bytes(), patience); err != nil || status >= 500 {
			t.Errorf("%s, unchanged: %d, %v", seed.operation, status, err)
		}
	}
	lasts := max(hostileTime(t), 4*time.Second)
	var working sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for worker := range uint64(16) {
		working.Go(func() {
			chance := rand.New(rand.NewPCG(worker, 7)) // the same each time, as far as they get
			for until := time.Now().Add(lasts); time.Now().Before(until) && !t.Failed(); {
				mutant := mutate(chance, r.seeds)
				status, err := send(s.process, mutant, time.Second)
				if err != nil || status >= 500 && status != 501 && status != 503 && status != 505 { // those are net/http's, or the queue's
					t.Errorf("%d, %v: %q", status, err, mutant)
				}
				mu.Lock()
				statuses[status]++
				mu.Unlock()
			}
		})
	}
	working.Wait()
	t.Log("answers by status; 0: none, before the connection was closed:", statuses)
	if statuses[200] == 0 || statuses[400] == 0 || statuses[401] == 0 {
		t.Error("the requests do not reach what they are to test")
	}
	s.wantUnharmed(t)
}

// wantAllOperations wants a seed of each operation that the server describes.
func (r *recording) wantAllOperations(t *testing.T) {
	t.Helper()
	described := decode[struct {
		Paths map[string]map[string]any `json:"paths"`
	}](t, r.s.get("/openapi.json", "").body)
	recorded := map[string]bool{}
	for _, seed := range r.seeds {
		recorded[seed.operation] = true
	}
	for path, methods := range described.Paths {
		for method := range methods {
			if operation := strings.ToUpper(method) + " " + path; !recorded[operation] {
				t.Errorf("no request of %s is recorded", operation)
			}
		}
	}
}

// send gives the status of the answer, or zero when the connection was closed without one. A server that waits for
// more of the request is told after a while that there is none.
func send(s *process, request []byte, wait time.Duration) (status int, err error) {
	conn, err := dialProcess(s)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	conn.Write(request) // it may be answered before all is sent
	answers := bufio.NewReader(conn)
	conn.SetReadDeadline(time.Now().Add(wait))
	if _, err := answers.Peek(1); errors.Is(err, os.ErrDeadlineExceeded) {
		conn.CloseWrite()
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	res, err := http.ReadResponse(answers, nil)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, fmt.Errorf("neither an answer nor its end: %w", err)
	}
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); errors.Is(err, os.ErrDeadlineExceeded) { // a reset is what an unread rest leads to
		return 0, err
	}
	return res.StatusCode, nil
}

// What parsers of all kinds stumble over.
var pieces = []string{
	"", "\x00", "%00", "%", "%zz", "&", "=", "&&", ";", "+", " ", "\t", "\r\n", "\n", "\"", "\\", "'", "<", "../", "//", "?", "#", "@", ":", "a=b&a=b",
	"-1", "0", "99999999999999999999", "1e309", "null", "[]", "{}", "{\"a\":", "\xff", "\u2028", "\U0001F600", "é", "%E9", "%C3%A9", "ſ", "K", "İ",
	"Bearer ", "Basic ", "eyJhbGciOiJub25lIn0.e30.", "grant_type=", "client_id=", "javascript:", "data:", "http://", "[::1]", "127.0.0.1:99999", strings.Repeat("A", 300), strings.Repeat("[", 5000),
}

var lengthHeader = regexp.MustCompile(`Content-Length: \d*`)

// mutate changes one of the requests in up to four places, now and then by a part of another one.
func mutate(chance *rand.Rand, seeds []seed) []byte {
	pick := func() seed { return seeds[chance.IntN(len(seeds))] }
	b := pick().bytes()
	for range 1 + chance.IntN(4) {
		at := chance.IntN(len(b) + 1)
		end := min(len(b), at+chance.IntN(12))
		switch chance.IntN(6) {
		case 0: // change a bit
			if at < len(b) {
				b[at] ^= 1 << chance.IntN(8)
			}
		case 1: // leave out
			b = append(b[:at:at], b[end:]...)
		case 2: // twice
			b = append(b[:end:end], b[at:]...)
		case 3:
			other := pick().bytes()
			from := chance.IntN(len(other))
			b = insert(b, at, other[from:min(len(other), from+chance.IntN(60))])
		default:
			b = insert(b, at, []byte(pieces[chance.IntN(len(pieces))]))
		}
	}
	if head, body, found := bytes.Cut(b, []byte("\r\n\r\n")); found && chance.IntN(10) > 0 { // most get to where bodies are read
		head = lengthHeader.ReplaceAll(head, fmt.Appendf(nil, "Content-Length: %d", len(body)))
		b = append(append(head, "\r\n\r\n"...), body...)
	}
	return b
}

func insert(b []byte, at int, piece []byte) []byte {
	return append(append(b[:at:at], piece...), b[at:]...)
}
