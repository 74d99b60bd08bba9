package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// docs/deploy/haproxy.cfg before three replicas: it shares requests out, says who
// asks, bounds logins, and hides that replicas come and go.
func TestBalancer(t *testing.T) {
	t.Parallel()
	b := startBalancer(t)
	b.operate("client", "add", "--public", replicaClient, "--grants", "password,refresh_token", "--scopes", "me")
	wantStatus(t, "sign up", b.client(clientHost).post("/users/", form("username", "ann", "password", password)), 201)
	t.Run("flow", b.sharesFlows)
	t.Run("addresses", b.tellsWhoAsks)
	t.Run("private", b.hidesOperators)
	t.Run("logins", b.boundsLogins)
	t.Run("outage", b.passesOutagesOn)
	l := b.load(t)
	t.Run("restarts", func(t *testing.T) { b.hidesRestarts(t, l) })
	t.Run("crash", func(t *testing.T) { b.survivesCrash(t, l) })
}

// recorder keeps the answers that a library has got.
type recorder struct {
	http.RoundTripper
	answers []answer
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.RoundTripper.RoundTrip(req)
	if err == nil {
		r.answers = append(r.answers, answer{status: resp.StatusCode, header: resp.Header})
	}
	return resp, err
}

// Each request of a flow lands on another replica.
func (b *balancer) sharesFlows(t *testing.T) {
	api := decode[clientView](t, b.operate("client", "add", "api", "--introspect", "--output", "json"))
	client := b.client(clientHost)
	seen := &recorder{RoundTripper: client.client.Transport}
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: seen})
	app := oauth2.Config{ClientID: replicaClient, Endpoint: oauth2.Endpoint{TokenURL: b.url + "/token", AuthStyle: oauth2.AuthStyleInParams}, Scopes: []string{"me"}}
	given, err := app.PasswordCredentialsToken(ctx, "ann", password)
	if err != nil {
		t.Fatal(err)
	}
	given.Expiry = time.Now() // as if its life had passed
	next, err := app.TokenSource(ctx, given).Token()
	if err != nil {
		t.Fatal(err)
	}
	if next.RefreshToken == given.RefreshToken {
		t.Error("not refreshed")
	}
	introspect := func() answer {
		a := client.post("/introspect", form("token", next.AccessToken, "client_id", api.ID, "client_secret", api.Secret))
		seen.answers = append(seen.answers, a)
		return a
	}
	wantStatus(t, "introspect", introspect(), 200, `"active":true`, `"iss":"`+b.url+`"`)
	a := client.post("/revoke", form("client_id", replicaClient, "token", next.RefreshToken))
	wantStatus(t, "revoke", a, 200)
	seen.answers = append(seen.answers, a)
	time.Sleep(effective)
	for range b.replicas {
		wantStatus(t, "introspect after the revocation", introspect(), 200, `"active":false`)
		wantStatus(t, "refresh after the revocation", refresh(client, next.RefreshToken), 400, "invalid_grant")
	}
	var order []int
	for _, a := range seen.answers[:4] {
		var at int
		eventually(t, "a replica logs the request", func() bool { at = b.at(a); return at >= 0 })
		order = append(order, at)
	}
	for i, at := range order[1:] {
		if at != (order[i]+1)%len(b.replicas) {
			t.Errorf("login, refresh, introspection and revocation went to the replicas %v", order)
		}
	}
}

// What a client says of its address counts nowhere; the balancer's word does.
func (b *balancer) tellsWhoAsks(t *testing.T) {
	client := b.client(clientHost)
	lies := map[string]string{"X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6", "X-Forwarded-Proto": "http"}
	from := fmt.Sprintf(`"from":"%s%s"`, b.network, clientHost)
	for name, url := range map[string]string{"through the balancer": b.url, "past it": b.replicas[0].URL} {
		a := client.send("GET", url+"/.well-known/oauth-authorization-server", "", lies)
		wantStatus(t, name, a, 200, `"issuer":"`+b.url+`"`, `"token_endpoint":"`+b.url+`/token"`)
		var line string
		eventually(t, "a replica logs the request", func() bool {
			if at := b.at(a); at >= 0 {
				line = requestLine(b.replicas[at], a)
			}
			return line != ""
		})
		if !strings.Contains(line, from) {
			t.Errorf("%s: %s is not in %s", name, from, line)
		}
	}
}

func (b *balancer) hidesOperators(t *testing.T) {
	for _, path := range []string{"/readyz", "/healthz", "/metrics"} {
		wantStatus(t, path, b.client(clientHost).get(path, ""), 404)
	}
}

// Logins are bounded, however the path or the form is written; refreshes are not.
func (b *balancer) boundsLogins(t *testing.T) {
	guesser := b.client("98")
	// Without a client, so that it costs no hash: the balancer cannot know.
	guess := form("grant_type", "password", "username", "ann", "password", "wrong", "x", "grant_type=refresh_token")
	var refused int
	for i := range 22 {
		a := guesser.post([]string{"/token", "/token/"}[i%2], guess)
		if a.status != 429 {
			continue
		}
		refused++
		wantStatus(t, "too many", a, 429, `"error":"temporarily_unavailable"`)
		if a.header.Get("Retry-After") == "" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("the header of a refusal: %v", a.header)
		}
	}
	if refused != 2 {
		t.Errorf("%d of 22 guesses were refused, want 2", refused)
	}
	wantStatus(t, "another way to write the path", guesser.post("/%74oken", guess), 404)
	for range 30 {
		wantStatus(t, "refreshes do not count", guesser.post("/token", form("grant_type", "refresh_token", "client_id", replicaClient, "refresh_token", "none")), 400)
	}
}

func (b *balancer) login(client *process) answer {
	return client.post("/token", form("grant_type", "password", "client_id", replicaClient, "username", "ann", "password", password, "scope", "me"))
}

// Without a database no replica is ready. What needs none goes on, and the rest is answered by
// grantd and not by a page of HAProxy.
func (b *balancer) passesOutagesOn(t *testing.T) {
	client := b.client("97") // who has not used up the logins of an address
	held := tokensOf(t, b.login(client))
	b.database.Refuse(true)
	b.database.Cut()
	for i := range b.replicas {
		down := fmt.Sprintf("grantd/grantd%d is DOWN", i+1)
		eventually(t, down, func() bool { return strings.Contains(b.log.String(), down) })
	}
	wantStatus(t, "the keys", client.get("/.well-known/jwks.json", ""), 200, `"keys"`)
	a := refresh(client, held.Refresh)
	wantStatus(t, "refresh", a, 503, `"temporarily_unavailable"`)
	if a.header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", a.header)
	}
	b.database.Refuse(false)
	eventually(t, "refreshes go on", func() bool { return refresh(client, held.Refresh).status == 200 })
	for i := range b.replicas {
		up := fmt.Sprintf("grantd/grantd%d is UP", i+1)
		eventually(t, up, func() bool { return strings.Contains(b.log.String(), up) })
	}
}

// load is clients that refresh, each by itself, all the time.
type load struct {
	done   [3]atomic.Int64 // refreshes of each
	mu     sync.Mutex
	failed []string
}

// load starts them.
func (b *balancer) load(t *testing.T) *load {
	t.Helper()
	l := &load{}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for i := range l.done {
		client := b.client(clientHost)
		held := tokensOf(t, b.login(client))
		running.Go(func() {
			for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
				a := refresh(client, held.Refresh)
				if status, said := a.sense(); status != 200 {
					l.fail(fmt.Sprintf("client %d: %d %s", i, status, said))
					continue // with the same token: it may or may not be spent
				}
				held = decode[tokens](t, a.body)
				l.done[i].Add(1)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return l
}

func (l *load) fail(how string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, how)
}

// failures returns what has failed since it was asked last.
func (l *load) failures() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	failed := l.failed
	l.failed = nil
	return failed
}

// goOn waits until every client has done some more.
func (l *load) goOn(t *testing.T) {
	t.Helper()
	for i := range l.done {
		from := l.done[i].Load()
		eventually(t, fmt.Sprintf("client %d goes on", i), func() bool { return l.done[i].Load() >= from+5 })
	}
}

// A rolling restart under load fails no request.
func (b *balancer) hidesRestarts(t *testing.T, l *load) {
	for i := range b.replicas {
		l.goOn(t)
		b.replicas[i].mustStop(t)
		if left := fmt.Sprintf("grantd/grantd%d is DOWN, reason: Layer7 wrong status, code: 503", i+1); !strings.Contains(b.log.String(), left) {
			t.Errorf("nobody noticed before the end: %q is not in the log", left)
		}
		b.start(i)
		eventually(t, "it takes requests again", func() bool { return strings.Contains(b.replicas[i].Log.String(), `"route":"/refresh`) })
	}
	l.goOn(t)
	if failed := l.failures(); len(failed) > 0 {
		t.Errorf("failed: %q", failed)
	}
}

// A replica that is killed costs what it had begun: one request of each client at most.
func (b *balancer) survivesCrash(t *testing.T, l *load) {
	l.goOn(t)
	b.replicas[0].kill()
	l.goOn(t)
	eventually(t, "the checks notice", func() bool { return strings.Contains(b.log.String(), "grantd/grantd1 is DOWN, reason: Layer4") })
	l.goOn(t)
	if failed := l.failures(); len(failed) > len(l.done) {
		t.Errorf("failed: %q", failed)
	}
}
