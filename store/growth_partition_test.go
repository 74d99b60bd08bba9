package store_test

import (
	"testing"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// partitioned makes grants a table of four parts, as docs/scaling.md shows.
const partitioned = `
	CREATE TABLE parted (LIKE grants, PRIMARY KEY (id),
		FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE,
		FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE) PARTITION BY HASH (id);
	CREATE TABLE grants_0 PARTITION OF parted FOR VALUES WITH (MODULUS 4, REMAINDER 0) WITH (fillfactor = 90);
	CREATE TABLE grants_1 PARTITION OF parted FOR VALUES WITH (MODULUS 4, REMAINDER 1) WITH (fillfactor = 90);
	CREATE TABLE grants_2 PARTITION OF parted FOR VALUES WITH (MODULUS 4, REMAINDER 2) WITH (fillfactor = 90);
	CREATE TABLE grants_3 PARTITION OF parted FOR VALUES WITH (MODULUS 4, REMAINDER 3) WITH (fillfactor = 90);
	DROP TABLE grants;
	ALTER TABLE parted RENAME TO grants;
	CREATE INDEX grants_by_client ON grants (client_id, id);
	CREATE INDEX grants_by_user ON grants (user_id, id);`

// TestPartitions: nothing that the store does minds.
func TestPartitions(t *testing.T) {
	url := pgtest.URL(t)
	db := migratedURL(t, url)
	if err := db.Exec(t.Context(), `DO $$ BEGIN `+partitioned+` END $$`); err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(t *testing.T) *store.DB { return emptied(t, url) })
}
