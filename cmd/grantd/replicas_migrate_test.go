package main

import (
	"fmt"
	"sync"
	"testing"

	"github.com/grantd/grantd/store/storetest/pgtest"
	"github.com/jackc/pgx/v5"
)

// Ten replicas that start at once on an empty database bring it up to date once.
func TestReplicasMigrateOnce(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	var starting sync.WaitGroup
	started := make([]*process, 10)
	for i := range started {
		p := newProcess("serve", "--migrate")
		p.cmd.Env = settings("GRANTD_ISSUER="+replicaIssuer, "GRANTD_DATABASE="+database, "GRANTD_PASSWORD_BCRYPT_COST=10",
			"GRANTD_MASTER_KEY=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "GRANTD_DATABASE_CONNECTIONS=2")
		started[i] = p
		starting.Go(func() {
			if err := p.launch(); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	for i, p := range started {
		if t.Failed() {
			break
		}
		t.Cleanup(p.kill)
		eventually(t, fmt.Sprintf("replica %d is ready", i), func() bool { return p.readyz().status == 200 })
	}
	wantNone(t, database, `SELECT version_id FROM schema_version GROUP BY version_id HAVING count(*) > 1`)
	wantNone(t, database, `SELECT alg FROM signing_keys GROUP BY alg HAVING count(*) > 1`) // the first made one, and the others took it
}

// wantNone wants the query to find nothing.
func wantNone(t *testing.T, database, query string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := pgx.CollectRows(rows, pgx.RowToMap); err != nil || len(found) > 0 {
		t.Errorf("%s: %v, %v", query, found, err)
	}
}
