package store_test

import (
	"path/filepath"
	"testing"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.DB { return migrated(t, filepath.Join(t.TempDir(), "grantd.db")) })
}

// open opens the database at path until the test ends.
func open(t testing.TB, path string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func migrated(t testing.TB, path string) *store.DB {
	t.Helper()
	db := open(t, path)
	if _, _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}
