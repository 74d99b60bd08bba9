package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// apart is a server with its built-in resource router, and the resource router as a
// process of its own, on one database.
type apart struct {
	issuer, router *process
	database       string
}

// patient routers hold out where the machine is too busy to look at the list in time.
var patient = []string{"--revocations-max-age", "1m"}

func startApart(t *testing.T, args ...string) *apart {
	t.Helper()
	a := &apart{database: "sqlite:" + filepath.Join(t.TempDir(), "grantd.db")}
	before := newProcess("dev", "--database", a.database) // so that there are keys an hour old: see expired
	before.cmd.Env = settings(clockError + "=-1h")
	before.run(t)
	before.mustStop(t)
	a.issuer = start(t, "dev", "--database", a.database, "--demo-listen", "off")
	a.router = a.startRouter(t, args...)
	a.router.eventuallyReady(t)
	return a
}

// startRouter returns once the router listens.
func (a *apart) startRouter(t *testing.T, args ...string) *process {
	t.Helper()
	p := newProcess(append([]string{"resource", "--issuer", a.issuer.URL, "--database", a.database, "--signup-enabled"}, args...)...)
	p.cmd.Env = settings("GRANTD_PASSWORD_BCRYPT_COST=10") // the least that it takes
	p.run(t)
	return p
}

func (p *process) eventuallyReady(t *testing.T) {
	t.Helper()
	eventually(t, "it is ready: "+strings.Join(p.cmd.Args, " "), func() bool { return p.readyz().status == http.StatusOK })
}

// minted is an access token of a server on the same database that differs in its settings.
func (a *apart) minted(t *testing.T, env string, args ...string) string {
	t.Helper()
	p := newProcess(append([]string{"dev", "--database", a.database, "--issuer", a.issuer.URL}, args...)...)
	p.cmd.Env = settings(env)
	p.run(t)
	defer p.mustStop(t)
	return johndoe(t, p, "me items items:write").Access
}

func johndoe(t *testing.T, p *process, scope string) tokens {
	t.Helper()
	return tokensOf(t, p.post("/token", form("grant_type", "password", "username", "johndoe", "password", "secret", "scope", scope)))
}

// Whatever ends a token at the server ends it at the router, which hears of it from the
// list of revocations alone.
func TestResourceRouterHonoursRevocation(t *testing.T) {
	t.Parallel()
	a := startApart(t, patient...)
	admin := func(args ...string) { mustRun(t, "", append(args, "--database", a.database)...) }
	own := tokensOf(t, a.issuer.send("POST", a.issuer.URL+"/token", "grant_type=client_credentials&scope=me", map[string]string{
		"Content-Type": formType, "Authorization": "Basic ZGV2LXNlcnZpY2U6ZGV2LXNlcnZpY2Utc2VjcmV0"}))
	for _, c := range []struct {
		name   string
		tokens tokens
		end    func(tokens)
	}{
		{"7009-2.1 access token revoked", login(t, a.issuer, "ada"), func(of tokens) {
			wantStatus(t, "revoke", a.issuer.post("/revoke", form("token", of.Access, "client_id", "dev")), 200)
		}},
		{"7009-2.1 refresh token revoked", login(t, a.issuer, "bob"), func(of tokens) {
			wantStatus(t, "revoke", a.issuer.post("/revoke", form("token", of.Refresh, "client_id", "dev")), 200)
		}},
		{"refresh token used twice", login(t, a.issuer, "cyd"), func(of tokens) {
			second := tokensOf(t, refresh(a.issuer, of.Refresh))
			tokensOf(t, refresh(a.issuer, second.Refresh))
			wantStatus(t, "reuse", refresh(a.issuer, of.Refresh), 400, "invalid_grant")
		}},
		{"user disabled", login(t, a.issuer, "dee"), func(tokens) { admin("user", "disable", "dee") }},
		{"user deleted", login(t, a.issuer, "eli"), func(tokens) { admin("user", "delete", "eli") }},
		{"password changed", login(t, a.issuer, "fay"), func(tokens) {
			mustRun(t, "another password\n", "user", "set-password", "fay", "--database", a.database)
		}},
		{"grant revoked", login(t, a.issuer, "gus"), func(tokens) { admin("grant", "revoke", "--user", "gus") }},
		{"client deleted", own, func(tokens) { admin("client", "delete", "dev-service") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantStatus(t, "before", a.router.get("/status/", c.tokens.Access), 200)
			c.end(c.tokens)
			ended := time.Now()
			eventually(t, "the token is refused", func() bool {
				return a.router.get("/status/", c.tokens.Access).status == http.StatusUnauthorized
			})
			took := time.Since(ended)
			t.Logf("refused %v after the command or request ended", took.Round(time.Millisecond))
			if took > 5*time.Second { // a second, on a machine that does nothing else
				t.Errorf("it took %v", took)
			}
			wantStatus(t, "after", a.router.get("/status/", c.tokens.Access), 401, "invalid_token", "the token was revoked")
		})
	}
}
