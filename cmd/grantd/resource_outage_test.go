package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/store/storetest/pgtest"
)

// The router refuses what it cannot judge, and needs no restart when the issuer is back.
func TestResourceRouterWithoutItsIssuer(t *testing.T) {
	t.Parallel()
	a := startApart(t)
	access, revoked := johndoe(t, a.issuer, "me").Access, johndoe(t, a.issuer, "me").Access
	eventually(t, "the token is good", func() bool { return a.router.get("/users/me/", access).status == 200 })
	wantStatus(t, "revoke", a.issuer.post("/revoke", form("token", revoked, "client_id", "dev")), 200)
	eventually(t, "the token is refused", func() bool { return a.router.get("/status/", revoked).status == 401 })

	a.issuer.mustStop(t)
	down := time.Now()
	eventually(t, "the list is too old", func() bool { return a.router.get("/users/me/", access).status == 503 })
	if took := time.Since(down); took > 20*time.Second { // two, on a machine that does nothing else
		t.Errorf("503 only after %v", took)
	} else {
		t.Logf("503 %v after the issuer stopped", took.Round(time.Millisecond))
	}
	refused := a.router.get("/users/me/", access)
	wantStatus(t, "without the issuer", refused, 503, "temporarily_unavailable")
	if refused.header.Get("Retry-After") == "" {
		t.Error("Retry-After is missing")
	}
	wantStatus(t, "what was revoked before", a.router.get("/status/", revoked), 401, "the token was revoked")
	wantStatus(t, "garbage", a.router.get("/status/", "x"), 401, "invalid_token")
	wantStatus(t, "the page", a.router.send("GET", a.router.URL+"/", "", nil), 200)
	wantStatus(t, "readiness", a.router.readyz(), 503, "the issuer's keys or revocations are not known")

	early := a.startRouter(t) // before its issuer
	wantStatus(t, "before the issuer", early.get("/users/me/", access), 503, "temporarily_unavailable")
	wantStatus(t, "before the issuer", early.readyz(), 503)

	address := strings.TrimPrefix(a.issuer.URL, "http://")
	again := newProcess("dev", "--database", a.database)
	again.cmd.Args = append(again.cmd.Args, "--listen", address)
	again.run(t)
	for _, router := range []*process{a.router, early} {
		router.eventuallyReady(t)
		eventually(t, "the token is good again", func() bool { return router.get("/users/me/", access).status == 200 })
		wantStatus(t, "with the issuer", router.get("/status/", revoked), 401, "the token was revoked")
		router.mustStop(t)
	}
}

// No request waits for an issuer that hangs, and its answers count again once they come.
func TestResourceRouterWhenItsIssuerHangs(t *testing.T) {
	t.Parallel()
	a := &apart{database: "sqlite:" + filepath.Join(t.TempDir(), "grantd.db")}
	before := start(t, "dev", "--database", a.database) // for its address
	before.mustStop(t)
	network := pgtest.Proxy(t, before.URL)
	a.issuer = newProcess("dev", "--database", a.database, "--issuer", network.URL(before.URL))
	a.issuer.cmd.Args = append(a.issuer.cmd.Args, "--listen", strings.TrimPrefix(before.URL, "http://"))
	a.issuer.run(t)
	a.issuer.URL = network.URL(before.URL)
	a.router = a.startRouter(t)
	a.router.eventuallyReady(t)
	access := johndoe(t, a.issuer, "me").Access
	eventually(t, "the token is good", func() bool { return a.router.get("/users/me/", access).status == 200 })

	for _, end := range []func(){network.Thaw, func() { network.Cut(); network.Thaw() }} {
		network.Freeze()
		var slowest time.Duration
		eventually(t, "the list is too old", func() bool {
			asked := time.Now()
			status := a.router.get("/users/me/", access).status
			slowest = max(slowest, time.Since(asked))
			return status == 503
		})
		if slowest > 2*time.Second {
			t.Errorf("a request took %v", slowest)
		}
		end()
		ended := time.Now()
		eventually(t, "the token is good again", func() bool { return a.router.get("/users/me/", access).status == 200 })
		t.Logf("good again after %v", time.Since(ended).Round(time.Millisecond))
	}
}
