package store_test

import (
	"path/filepath"
	"testing"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.DB { return migrated(t, filepath.Join(t.TempDir(), "grantd.db")) })
}

func TestPostgres(t *testing.T) {
	url := pgtest.URL(t)
	storetest.Run(t, func(t *testing.T) *store.DB { return emptied(t, url) })
}

// PgBouncer gives each transaction another connection, and versions of it know no prepared
// statements.
func TestPgBouncer(t *testing.T) {
	url := pgtest.Bouncer(t, pgtest.URL(t), pgtest.BouncerOptions{PoolSize: 3})
	storetest.Run(t, func(t *testing.T) *store.DB { return emptied(t, url) })
}

// emptied empties the tables of a database, which is much faster than making another one.
func emptied(t *testing.T, url string) *store.DB {
	t.Helper()
	db := migratedURL(t, url)
	if err := db.Exec(t.Context(), `DO $$ DECLARE name text; BEGIN
		FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('schema_version', 'readiness') LOOP
			EXECUTE 'TRUNCATE ' || quote_ident(name) || ' CASCADE';
		END LOOP; END $$`); err != nil {
		t.Fatal(err)
	}
	return db
}

// open opens the database at path until the test ends.
func open(t testing.TB, path string) *store.DB {
	t.Helper()
	return openURL(t, "sqlite:"+path)
}

func openURL(t testing.TB, url string, how ...store.Option) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), url, how...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func migrated(t testing.TB, path string) *store.DB {
	t.Helper()
	return migratedURL(t, "sqlite:"+path)
}

func migratedURL(t testing.TB, url string) *store.DB {
	t.Helper()
	db := openURL(t, url)
	if _, _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}
