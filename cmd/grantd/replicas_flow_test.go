package main

import (
	"testing"
	"time"

	"github.com/grantd/grantd/store/storetest/pgtest"
)

// flowSetup is three replicas, each with a network of its own.
func flowSetup(t *testing.T) (*replicas, []*pgtest.Network, string) {
	t.Helper()
	setup := replicaSetup{database: pgtest.URL(t), grace: 30 * time.Second, env: []string{"GRANTD_SIGNUP_ENABLED=true"}}
	var networks []*pgtest.Network
	for range 3 {
		n := pgtest.Proxy(t, setup.database)
		networks = append(networks, n)
		setup.through = append(setup.through, n.URL(setup.database))
	}
	return startReplicas(t, setup), networks, setup.database
}

// at returns the process of one replica.
func (rs *replicas) at(i int) *process { return rs.list[i].process.Load() }

// Each request of a flow lands on another replica.
func TestReplicasShareFlows(t *testing.T) {
	t.Parallel()
	rs, _, database := flowSetup(t)
	api := decode[clientView](t, mustRun(t, "", "client", "add", "api", "--introspect", "--database", database, "--output", "json"))

	wantStatus(t, "sign up", rs.at(0).post("/users/", form("username", "ann", "password", password)), 201)
	wantStatus(t, "again elsewhere", rs.at(1).post("/users/", form("username", "Ann", "password", password)), 409)
	given := tokensOf(t, rs.at(1).post("/token", form("grant_type", "password", "client_id", replicaClient, "username", "ann", "password", password, "scope", "me")))
	wantStatus(t, "use", rs.at(2).get("/users/me/", given.Access), 200, `"ann"`)
	next := tokensOf(t, refresh(rs.at(2), given.Refresh))
	repeated := tokensOf(t, refresh(rs.at(0), given.Refresh))
	if repeated.Refresh != next.Refresh {
		t.Error("a repeat elsewhere got another refresh token")
	}
	introspect := func(at int) answer {
		return rs.at(at).post("/introspect", form("token", next.Access, "client_id", api.ID, "client_secret", api.Secret))
	}
	wantStatus(t, "introspect", introspect(1), 200, `"active":true`)
	wantSameKeys(t, rs)
	rs.wantListed(t, "a live token", next.Access, false)

	wantStatus(t, "revoke", rs.at(1).post("/revoke", form("client_id", replicaClient, "token", next.Refresh)), 200)
	time.Sleep(effective)
	for i := range rs.list {
		wantStatus(t, "refresh after a revocation", refresh(rs.at(i), next.Refresh), 400, "invalid_grant")
		wantStatus(t, "use after a revocation", rs.at(i).get("/status/", next.Access), 401)
		wantStatus(t, "introspect after a revocation", introspect(i), 200, `"active":false`)
	}
	rs.wantListed(t, "a revoked token", next.Access, true)
	wantSameList(t, rs)
}

func wantSameKeys(t *testing.T, rs *replicas) {
	t.Helper()
	keys := rs.at(0).get("/.well-known/jwks.json", "")
	for i := range rs.list {
		if other := rs.at(i).get("/.well-known/jwks.json", ""); other.body != keys.body || other.status != 200 {
			t.Errorf("replica %d publishes %v, another one %v", i, other, keys)
		}
	}
}

// What an operator takes away is gone everywhere within a second, what he gives is
// there within a minute.
func TestReplicasFollowTheOperator(t *testing.T) {
	t.Parallel()
	rs, _, database := flowSetup(t)
	operator := func(stdin string, args ...string) string {
		return mustRun(t, stdin, append(args, "--database", database)...)
	}
	login := func(at int) answer {
		return rs.at(at).post("/token", form("grant_type", "password", "client_id", "late", "username", "ann", "password", password, "scope", "me"))
	}
	wantEverywhere := func(what string, within time.Duration, status int, ask func(at int) answer) {
		t.Helper()
		time.Sleep(within)
		for at := range rs.list {
			wantStatus(t, what, ask(at), status)
		}
	}
	knows := func(at int) answer { return rs.at(at).post("/revoke", form("client_id", "late", "token", "none")) }
	operator(password+"\n", "user", "add", "ann")
	wantEverywhere("a client that is not there yet", 0, 401, knows)
	operator("", "client", "add", "late", "--public", "--grants", "password,refresh_token", "--scopes", "me")
	given := time.Now()
	for at := range rs.list {
		eventually(t, "the new client is known", func() bool { return knows(at).status == 200 })
	}
	if took := time.Since(given); took > time.Minute {
		t.Errorf("what grants access took %v", took)
	}

	held := tokensOf(t, login(0))
	operator("", "user", "disable", "ann")
	wantEverywhere("a disabled user's login", effective, 400, login)
	wantEverywhere("a disabled user's token", 0, 401, func(at int) answer { return rs.at(at).get("/users/me/", held.Access) })
	rs.wantListed(t, "a disabled user's token", held.Access, true)
	wantEverywhere("a disabled user's refresh", 0, 400, func(at int) answer { return refresh(rs.at(at), held.Refresh) })

	operator("", "user", "enable", "ann")
	held = tokensOf(t, login(1))
	rs.wantListed(t, "an enabled user's token", held.Access, false)
	operator("", "client", "delete", "late")
	wantEverywhere("a deleted client", effective, 401, knows)
	wantEverywhere("a deleted client's token", 0, 401, func(at int) answer { return rs.at(at).get("/users/me/", held.Access) })
	rs.wantListed(t, "a deleted client's token", held.Access, true)
}

// A replica learns of revocations also when its connections are cut, and refuses
// what it cannot know when they stay so.
func TestReplicasRefuseWhatTheyCannotKnow(t *testing.T) {
	t.Parallel()
	rs, networks, _ := flowSetup(t)
	h, _ := rs.begin()
	other, _ := rs.begin()
	if !rs.goOn(&h) || !rs.goOn(&other) {
		t.Fatal("no tokens")
	}
	networks[0].Cut()
	if e := rs.revoke(h, 1); e.status != 200 {
		t.Fatal(e)
	}
	time.Sleep(effective)
	if e := rs.use(h, 0); e.status != 401 {
		t.Errorf("its connections were cut, once: %s", e)
	}

	networks[0].Refuse(true)
	networks[0].Cut()
	if e := rs.revoke(other, 1); e.status != 200 {
		t.Fatal(e)
	}
	time.Sleep(effective)
	if e := rs.use(other, 0); e.status != 503 && e.status != 401 {
		t.Errorf("it is cut off: %s", e)
	}
	wantStatus(t, "its list of revocations", rs.at(0).get("/revocations", ""), 503, "temporarily_unavailable")
	networks[0].Refuse(false)
	eventually(t, "it is ready again", func() bool { return rs.at(0).readyz().status == 200 })
	time.Sleep(effective)
	if e := rs.use(other, 0); e.status != 401 {
		t.Errorf("once it was back: %s", e)
	}
	rs.history.wantKept(t, rs.rules)
}
