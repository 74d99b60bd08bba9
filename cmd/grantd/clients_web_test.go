package main

import (
	"net"
	"strings"
	"testing"
)

// webApp is a client that people go to with a browser. It signs them in at /, and answers there with a report.
type webApp struct {
	relying
	address, url string
}

// newWebApp registers a client that is to listen at a free address.
func newWebApp(t *testing.T, path, callback string, flags ...string) webApp {
	t.Helper()
	address := unusedAddress(t)
	a := webApp{address: address, url: "http://" + address}
	for i, flag := range flags {
		flags[i] = strings.ReplaceAll(flag, "{app}", a.url)
	}
	a.relying = startRelyingWith(t, relying{callback: a.url + callback, goodbye: a.url + "/goodbye"}, path, flags...)
	a.ann = newPerson(t, "ann", password, a.issuer, a.url)
	return a
}

// start runs it until the test ends.
func (a webApp) start(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	_, port, _ := net.SplitHostPort(a.address)
	cmd := foreign(t, dir, name, args...)
	cmd.Env = append(append(cmd.Env, a.environ()...), "PORT="+port)
	var out buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Cancel()
		<-ended
		if t.Failed() {
			t.Logf("the app says:\n%s", out.String())
		}
	})
	eventually(t, "the app listens", func() bool {
		select {
		case <-ended:
			t.Fatal("the app ended")
		default:
		}
		conn, err := net.Dial("tcp", a.address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// page wants a page of the app.
func (a webApp) page(t *testing.T, path string) string {
	t.Helper()
	if a.ann.goTo(a.url + path); a.ann.status != 200 || a.ann.at.Host != a.address {
		t.Fatalf("%s led to %s: %d %s", path, a.ann.at, a.ann.status, a.ann.source)
	}
	return a.ann.source
}

func TestClientPython(t *testing.T) {
	t.Parallel()
	dir := copyFolder(t, "testdata/clients/python")
	mustForeign(t, dir, "python3", "-m", "venv", ".venv")
	mustForeign(t, dir, ".venv/bin/pip", "install", "--quiet", "--requirement", "requirements.txt")
	a := newWebApp(t, "/tenant", "/callback", "--kind", "web", "--id-token-alg", "EdDSA")
	a.start(t, dir, ".venv/bin/python", "app.py")

	got := decode[report](t, a.page(t, "/"))
	got.Refused = decode[report](t, a.page(t, "/revoke")).Refused
	if page := a.page(t, "/logout"); page != "goodbye" {
		t.Errorf("after the sign-out: %s", page)
	}
	a.check(t, got)
}

func TestClientSpring(t *testing.T) {
	t.Parallel()
	dir := copyFolder(t, "testdata/clients/spring")
	mustForeign(t, dir, "mvn", "-q", "-B", "dependency:build-classpath", "-Dmdep.outputFile=classpath")
	mustForeign(t, dir, "sh", "-c", `javac -parameters -d . -cp "$(cat classpath)" their/App.java`)
	a := newWebApp(t, "", "/login/oauth2/code/grantd", "--kind", "web", "--backchannel-logout-uri", "{app}/logout/connect/back-channel/grantd")
	a.start(t, dir, "sh", "-c", `exec java -XX:TieredStopAtLevel=1 -cp ".:$(cat classpath)" their.App --server.port=$PORT`)

	got := decode[report](t, a.page(t, "/"))
	a.grantd(t, "", "grant", "revoke", "--user", "ann")
	got.Refused = decode[report](t, a.page(t, "/refused")).Refused
	if page := a.page(t, "/logout"); page != "goodbye" { // Spring asks first
		t.Errorf("after the sign-out: %s", page)
	}
	a.check(t, got)

	// Signed in once more, until ann ends that from another browser: Spring hears of it (OpenID Connect Back-Channel Logout).
	a.page(t, "/")
	elsewhere := newPerson(t, "ann", password, a.issuer)
	elsewhere.open(a.issuer + "/account")
	elsewhere.sayYes()
	elsewhere.press("Sign out everywhere else", nil)
	eventually(t, "the app has signed ann out", func() bool {
		a.ann.open(a.url + "/")
		return a.ann.at.Host != a.address
	})
}
