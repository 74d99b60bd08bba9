package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/store/storetest/pgtest"
	"github.com/jackc/pgx/v5"
)

// A standby that lags lacks what the primary committed last. Clients are ahead of
// their rows then, and go on all the same; a late revocation is lost, which is why
// a standby should be synchronous.
func TestReplicasOutrunALaggingStandby(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t, pgtest.Options{NoSync: true})
	primary := cluster.CreateDatabase()
	replication := pgtest.Proxy(t, primary)
	standby := cluster.Standby(t, pgtest.StandbyOptions{Through: replication})
	both, second := severalHosts(t, primary, standby)
	rs := startReplicas(t, replicaSetup{database: both, through: []string{both, both}, grace: 30 * time.Second})
	h, _ := rs.begin()
	gone, _ := rs.begin()
	if !rs.goOn(&h) || !rs.goOn(&gone) {
		t.Fatal("no tokens")
	}
	eventually(t, "the standby has caught up", func() bool {
		return generationAt(t, second, h.grant) == h.gen && generationAt(t, second, gone.grant) == gone.gen
	})
	replication.Freeze()
	if !rs.advance(&h, 3) {
		t.Fatal("not refreshed")
	}
	if e := rs.revoke(gone, anywhere); e.status != 200 {
		t.Fatal(e)
	}
	cluster.Kill()
	standby.Promote()
	if !rs.advance(&h, 3) {
		t.Error("a client that is ahead of its row was signed out")
	}
	if h.gen != 8 {
		t.Errorf("generation %d; want 8", h.gen)
	}
	if !rs.goOn(&gone) {
		t.Error("the standby had the revocation: it did not lag")
	}
}

// severalHosts returns the URL of the primary's database with the host of its
// standby, too, and the one of that database at the standby.
func severalHosts(t *testing.T, primary string, standby *pgtest.Cluster) (both, second string) {
	t.Helper()
	u, err := url.Parse(primary)
	if err != nil {
		t.Fatal(err)
	}
	other, err := url.Parse(standby.URL(strings.TrimPrefix(u.Path, "/")))
	if err != nil {
		t.Fatal(err)
	}
	u.Host += "," + other.Host
	return u.String(), other.String()
}

// generationAt returns what a database has for an authorization.
func generationAt(t *testing.T, database, grant string) (gen int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), `SELECT COALESCE(MAX(generation), 0) FROM grants WHERE id = $1`, grant).Scan(&gen); err != nil {
		t.Fatal(err)
	}
	return gen
}
