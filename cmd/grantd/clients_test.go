package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// Clients of other people, unmodified, as their documents say they are used: discovery,
// authorization code with PKCE, an ID token that the library checks, userinfo, an API,
// refresh, sign out. Each program is in testdata/clients.

// clientScopes are what every client asks for.
const clientScopes = "openid profile email offline_access me"

// relying is a server with one user and one client.
type relying struct {
	issuer, id, secret string
	callback, goodbye  string // of the client
	database           []string
	ann                *person
}

// startRelying runs a production server whose issuer has that path, and
// registers a client with those flags. Nobody listens at its redirect URIs.
func startRelying(t *testing.T, path string, flags ...string) relying {
	t.Helper()
	return startRelyingWith(t, relying{callback: "http://127.0.0.1/callback", goodbye: "http://127.0.0.1/goodbye"}, path, flags...)
}

func startRelyingWith(t *testing.T, r relying, path string, flags ...string) relying {
	t.Helper()
	address := unusedAddress(t)
	r.issuer, r.id = "http://"+address+path, "their-app"
	r.database = []string{"--database", "sqlite:" + filepath.Join(t.TempDir(), "grantd.db")}
	r.grantd(t, "", "migrate")
	r.grantd(t, password+"\n", "user", "add", "ann", "--email", "ann@example.com", "--full-name", "Ann Example")
	added := r.grantd(t, "", append([]string{"client", "add", r.id, "--name", "Their app", "--scopes", "me items",
		"--redirect-uri", r.callback, "--logout-uri", r.goodbye, "--output", "json"}, flags...)...)
	r.secret = decode[clientView](t, added).Secret

	s := newProcess(append([]string{"serve", "--issuer", r.issuer}, r.database...)...)
	s.cmd.Args = append(s.cmd.Args, "--listen", address)
	s.cmd.Env = settings("GRANTD_MASTER_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "GRANTD_PASSWORD_BCRYPT_COST=10") // its least
	s.run(t)
	r.ann = newPerson(t, "ann", password, r.issuer)
	return r
}

// grantd runs a command on the server's database.
func (r relying) grantd(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	return mustRun(t, stdin, append(args, r.database...)...)
}

// unusedAddress is for a server that must know its URL before it listens. Its port is below those
// that the system gives to connections, so that none gets it in the meantime.
func unusedAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// environ is how a program learns of its registration.
func (r relying) environ() []string {
	return []string{"ISSUER=" + r.issuer, "CLIENT_ID=" + r.id, "CLIENT_SECRET=" + r.secret, "SCOPE=" + clientScopes,
		"REDIRECT_URI=" + r.callback, "GOODBYE=" + r.goodbye}
}

// visit is what a program's browser does. It must come back to the program.
func (r relying) visit(t *testing.T) func(string) string {
	return func(start string) string {
		t.Helper()
		place := r.ann.goTo(start)
		if !strings.HasPrefix(place, r.callback) && !strings.HasPrefix(place, r.goodbye) {
			t.Fatalf("%s did not lead back to the app but to %s%s: %s", start, r.ann.at, place, r.ann.source)
		}
		return place
	}
}

// check compares what a client got with what there was to get, and that it
// asked ann for consent once and signed her out.
func (r relying) check(t *testing.T, got report) {
	t.Helper()
	if got.Subject == "" || got.UserInfo["sub"] != got.Subject || got.UserInfo["name"] != "Ann Example" ||
		got.UserInfo["preferred_username"] != "ann" || got.UserInfo["email"] != "ann@example.com" || got.UserInfo["email_verified"] != false {
		t.Errorf("somebody else: %v", got)
	}
	if got.Username != "ann" || got.Refreshed != "ann" {
		t.Errorf("the API answered %q, and after a refresh %q", got.Username, got.Refreshed)
	}
	if got.Refused != "invalid_grant" {
		t.Errorf("a refresh after the revocation: %q", got.Refused)
	}
	if r.ann.proved != 1 || r.ann.consented != 1 {
		t.Errorf("asked for the password %d times, for consent %d times", r.ann.proved, r.ann.consented)
	}
	if r.signedIn(t) {
		t.Error("still signed in after the sign-out")
	}
}

// signedIn looks whether ann's browser still has a session.
func (r relying) signedIn(t *testing.T) bool {
	t.Helper()
	r.ann.open(r.issuer + "/account")
	return !strings.HasSuffix(r.ann.at.Path, "/login")
}

func TestClientNode(t *testing.T) {
	t.Parallel()
	dir := copyFolder(t, "testdata/clients/node")
	mustForeign(t, dir, "npm", "ci", "--ignore-scripts")
	for _, c := range []struct {
		file, path string
		flags      []string
	}{
		{"openid-client.mjs", "", []string{"--kind", "native", "--id-token-alg", "ES256"}},
		{"oauth4webapi.mjs", "/sign/in", []string{"--kind", "web"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			r := startRelying(t, c.path, c.flags...)
			p := &program{cmd: foreign(t, dir, "node", c.file)}
			p.cmd.Env = append(p.cmd.Env, r.environ()...)
			r.check(t, p.run(t, r.visit(t)))
		})
	}
}
