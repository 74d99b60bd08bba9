package main

import (
	"crypto/rand"
	"encoding/base64"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/grantd/grantd/store/storetest/pgtest"
)

var roleBlock = regexp.MustCompile("(?s)```\n(CREATE ROLE router .*?)```")

// The role of docs/operating.md is enough for the router, and no more.
func TestResourceRouterWithARoleOfItsOwn(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	statements := roleBlock.FindSubmatch(docs)
	if statements == nil {
		t.Fatal("docs/operating.md shows no role")
	}
	cluster := pgtest.Start(t, pgtest.Options{NoSync: true})
	owned := cluster.CreateDatabase()
	name := strings.TrimPrefix(mustParse(t, owned).Path, "/")
	issuer := newProcess("dev", "--database", owned)
	key := make([]byte, 32)
	rand.Read(key)
	issuer.cmd.Env = settings("GRANTD_MASTER_KEY=" + base64.StdEncoding.EncodeToString(key))
	issuer.run(t)

	admin := sqlOf(t, "pgx", cluster.AdminURL(name))
	if _, err := admin.ExecContext(t.Context(), string(statements[1])); err != nil {
		t.Fatal(err)
	}
	roles := mustParse(t, owned)
	roles.User = url.UserPassword("router", "PASSWORD")
	a := &apart{issuer: issuer, database: roles.String()}
	a.router = a.startRouter(t, patient...)
	a.router.eventuallyReady(t)
	access := johndoe(t, issuer, "me items items:write").Access
	wantStatus(t, "profile", a.router.get("/users/me/", access), 200, "johndoe")
	wantStatus(t, "items", a.router.get("/users/me/items/", access), 200, "Foo")
	wantStatus(t, "item", a.router.send("POST", a.router.URL+"/users/me/items/", "item_id=Bar", map[string]string{
		"Content-Type": formType, "Authorization": "Bearer " + access}), 201)
	wantStatus(t, "sign-up", a.router.post("/users/", form("username", "kim", "password", password)), 201)

	router := sqlOf(t, "pgx", roles.String())
	for _, statement := range []string{
		"SELECT sealed FROM signing_keys", "SELECT id FROM grants", "SELECT id FROM clients", "DELETE FROM revocations",
		"UPDATE users SET disabled_at = NULL", "UPDATE users SET password_hash = ''", "DELETE FROM items",
	} {
		if _, err := router.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
