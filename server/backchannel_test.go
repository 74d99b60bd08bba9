package server_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// told is a request that a client got.
type told struct {
	path, contentType string
	form              map[string][]string
}

// newBackchannel is a client's server; answer gives the status for the nth request.
func newBackchannel(t *testing.T, answer func(n int) int) (base string, heard chan told) {
	t.Helper()
	heard = make(chan told, 100)
	var n atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		heard <- told{r.Method + " " + r.URL.RequestURI(), r.Header.Get("Content-Type"), r.PostForm}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(answer(int(n.Add(1))))
	}))
	t.Cleanup(web.Close)
	return web.URL, heard
}

func always(status int) func(int) int { return func(int) int { return status } }

// run runs what the server does in the background; stop ends it, and waits.
func (s *system) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.srv.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// join signs ann in and tells the clients of the session.
func (s *system) join(t *testing.T, clients ...string) (sid string, cookie edit) {
	t.Helper()
	sid, cookie = s.sessionOf("u-ann")
	for _, id := range clients {
		if joined, err := s.db.JoinSession(t.Context(), sid, id); err != nil || !joined {
			t.Fatalf("join: %v, %v", joined, err)
		}
	}
	return sid, cookie
}

func next(t *testing.T, heard chan told) told {
	t.Helper()
	select {
	case got := <-heard:
		return got
	case <-time.After(20 * time.Second):
		t.Fatal("the client was not told")
		return told{}
	}
}

// logged waits for an audit event of a client.
func (s *system) logged(t *testing.T, event, client string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for line := range strings.Lines(s.log.String()) {
			if strings.Contains(line, `"event":"`+event+`"`) && strings.Contains(line, `"client":"`+client+`"`) {
				return
			}
		}
	}
	t.Fatalf("no event %s of %s", event, client)
}

func TestBackchannelLogout(t *testing.T) {
	for _, alg := range append([]string{""}, token.IDAlgs...) {
		t.Run("oidc-backchannel-2.5 "+alg, func(t *testing.T) {
			s := newSystem(t)
			base, heard := newBackchannel(t, always(http.StatusOK))
			s.addClient(store.Client{ID: "shop", BackchannelURI: base + "/out?a=b", IDTokenAlg: alg})
			s.addClient(store.Client{ID: "quiet"})                                // wants to hear nothing
			s.addClient(store.Client{ID: "apart", BackchannelURI: base + "/not"}) // was not told of the session
			s.run(t)
			sid, cookie := s.join(t, "shop", "quiet")
			_, elsewhere := s.join(t, "shop") // another session, which goes on
			s.get("/logout?id_token_hint="+s.idHint("u-ann", "quiet", sid), cookie).wantOK(t)

			got := next(t, heard)
			if got.path != "POST /out?a=b" || got.contentType != "application/x-www-form-urlencoded" || len(got.form) != 1 || len(got.form["logout_token"]) != 1 {
				t.Fatalf("told %+v", got)
			}
			raw := got.form["logout_token"][0]
			head, claims := partOf(t, raw, 0), partOf(t, raw, 1)
			if wantAlg := map[string]string{"": token.RS256}[alg] + alg; head["alg"] != wantAlg || head["typ"] != "logout+jwt" {
				t.Errorf("header %v", head)
			}
			if claims["sid"] != sid || claims["sub"] != "u-ann" || claims["aud"] != "shop" || claims["iss"] != s.opts.Issuer || claims["nonce"] != nil ||
				claims["iat"] != float64(s.clock.Now().Unix()) || claims["exp"] != float64(s.clock.Now().Add(2*time.Minute).Unix()) {
				t.Errorf("claims %v", claims)
			}
			s.wantSignedBy(t, raw, head["kid"].(string))
			s.logged(t, "backchannel_logout.delivered", "shop")
			if page := s.get("/logout", elsewhere); !strings.Contains(page.body, "<form") || len(heard) != 0 {
				t.Errorf("another session has ended, or somebody else was told: %v", heard)
			}
		})
	}
}

// wantSignedBy checks a signature with the keys that the server publishes.
func (s *system) wantSignedBy(t *testing.T, raw, kid string) {
	t.Helper()
	keys, err := scopes.ParseJWKS([]byte(s.get("/.well-known/jwks.json").body))
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Key(t.Context(), kid)
	if err != nil {
		t.Fatal(err)
	}
	wantSignature(t, raw, key)
}

func TestBackchannelLogoutOfAllSessions(t *testing.T) {
	s := newSystem(t)
	base, heard := newBackchannel(t, always(http.StatusNoContent))
	s.addClient(store.Client{ID: "shop", BackchannelURI: base})
	s.run(t)
	var want []string
	for range 20 {
		sid, _ := s.join(t, "shop")
		want = append(want, sid)
	}
	if err := s.srv.EndSessions(t.Context(), store.SessionEnd{UserID: "u-ann", Except: want[0]}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range want[1:] {
		got = append(got, partOf(t, next(t, heard).form["logout_token"][0], 1)["sid"].(string))
	}
	slices.Sort(got)
	if left := slices.Sorted(slices.Values(want[1:])); !slices.Equal(got, left) {
		t.Errorf("told of %q, want %q", got, left)
	}
}

func TestBackchannelLogoutFails(t *testing.T) {
	t.Cleanup(server.RetryNotices(time.Millisecond, time.Millisecond))
	for _, c := range []struct {
		name   string
		answer func(int) int
		event  string
		tries  int
	}{
		{"oidc-backchannel-2.8 it cannot be told now", func(n int) int { return []int{0, 503, 500, 200}[n] }, "delivered", 3},
		{"oidc-backchannel-2.8 it can never be told", always(http.StatusBadGateway), "failed", 3},
		{"oidc-backchannel-2.8 it refuses", always(http.StatusBadRequest), "failed", 1},
		{"oidc-backchannel-2.5 it sends us elsewhere", always(http.StatusTemporaryRedirect), "failed", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSystem(t)
			base, heard := newBackchannel(t, c.answer)
			s.addClient(store.Client{ID: "shop", BackchannelURI: base})
			s.run(t)
			sid, _ := s.join(t, "shop")
			if err := s.srv.EndSessions(t.Context(), store.SessionEnd{UserID: "u-ann", ID: sid}); err != nil {
				t.Fatal(err)
			}
			s.logged(t, "backchannel_logout."+c.event, "shop")
			if len(heard) != c.tries {
				t.Errorf("%d requests, want %d", len(heard), c.tries)
			}
			for len(heard) > 0 {
				if got := next(t, heard); got.path != "POST /" {
					t.Errorf("it went to %s", got.path)
				}
			}
			if strings.Contains(s.log.String(), "eyJ") {
				t.Error("a token is in the log")
			}
		})
	}
}

func TestBackchannelURIsThatAreNotSafe(t *testing.T) {
	s := newSystem(t)
	for i, uri := range []string{"http://shop.example/out", "ftp://127.0.0.1/", "https://user@shop.example/", "https:///out", "http://127.0.0.1.example/", "https://a b/"} {
		id := string(rune('a' + i))
		s.addClient(store.Client{ID: id, BackchannelURI: uri})
		sid, _ := s.join(t, id)
		if err := s.srv.EndSessions(t.Context(), store.SessionEnd{UserID: "u-ann", ID: sid}); err != nil {
			t.Fatal(err)
		}
	}
	s.run(t)
	for i := range 6 {
		s.logged(t, "backchannel_logout.failed", string(rune('a'+i)))
	}
	if n := strings.Count(s.log.String(), "neither https nor http on loopback"); n != 6 {
		t.Errorf("%d of 6 were refused before anything was sent", n)
	}
	for _, address := range []string{"169.254.169.254:80", "[fe80::1%eth0]:443", "0.0.0.0:80", "[::ffff:169.254.169.254]:80", "224.0.0.1:80"} {
		if server.RefuseLinkLocal(address) == nil {
			t.Errorf("%s is connected to", address)
		}
	}
	for _, address := range []string{"10.0.0.1:443", "127.0.0.1:80", "[2001:db8::1]:443"} {
		if err := server.RefuseLinkLocal(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A server that stops tells once more whom it has not told.
func TestBackchannelLogoutWhenTheServerStops(t *testing.T) {
	s := newSystem(t)
	base, heard := newBackchannel(t, always(http.StatusServiceUnavailable)) // so that it is to be told again
	s.addClient(store.Client{ID: "shop", BackchannelURI: base})
	stop := s.run(t)
	sid, _ := s.join(t, "shop")
	if err := s.srv.EndSessions(t.Context(), store.SessionEnd{UserID: "u-ann", ID: sid}); err != nil {
		t.Fatal(err)
	}
	next(t, heard)
	stop()
	sid, _ = s.join(t, "shop")
	if err := s.srv.EndSessions(t.Context(), store.SessionEnd{UserID: "u-ann", ID: sid}); err != nil {
		t.Fatal(err)
	}
	s.logged(t, "backchannel_logout.failed", "shop") // nobody sends any more
	if len(heard) != 0 {
		t.Errorf("the client was told %d times more", len(heard))
	}
}

func TestBackchannelLogoutThatWaitedWhenTheServerStopped(t *testing.T) {
	s := newSystem(t)
	base, heard := newBackchannel(t, always(http.StatusOK))
	s.addClient(store.Client{ID: "shop", BackchannelURI: base})
	for range 100 {
		s.join(t, "shop")
	}
	if err := s.srv.EndSessions(t.Context(), store.SessionEnd{UserID: "u-ann"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.srv.Run(ctx) // which is over before it begins
	if len(heard) != 100 {
		t.Errorf("%d of 100 were sent", len(heard))
	}
}

// wantSignature checks the signature of a JWT by one key.
func wantSignature(t *testing.T, raw string, key scopes.Key) {
	t.Helper()
	last := strings.LastIndexByte(raw, '.')
	signature, err := base64.RawURLEncoding.DecodeString(raw[last+1:])
	if err != nil {
		t.Fatal(err)
	}
	if err := jwt.GetSigningMethod(key.Alg).Verify(raw[:last], signature, key.Key); err != nil {
		t.Error(err)
	}
}
