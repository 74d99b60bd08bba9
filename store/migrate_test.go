package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/grantd/grantd/store"
)

func TestSchemaBehind(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "grantd.db"))
	for name, check := range map[string]error{"CheckSchema": db.CheckSchema(t.Context()), "Ready": db.Ready(t.Context())} {
		want := fmt.Sprintf(`the database is at schema 0, this program needs %d; run "grantd migrate"`, store.WantSchema())
		if behind := new(store.SchemaError); !errors.As(check, &behind) || check.Error() != want {
			t.Errorf("%s: %v", name, check)
		}
	}
	if from, to, err := db.Migrate(t.Context()); from != 0 || to != store.WantSchema() || err != nil {
		t.Errorf("migrated from %d to %d, %v", from, to, err)
	}
}

func TestSchemaAhead(t *testing.T) {
	db := migrated(t, filepath.Join(t.TempDir(), "grantd.db"))
	if err := db.Exec(t.Context(), `INSERT INTO schema_version (version_id, is_applied) VALUES (99, 1)`); err != nil {
		t.Fatal(err)
	}
	_, _, migrate := db.Migrate(t.Context())
	for name, check := range map[string]error{"CheckSchema": db.CheckSchema(t.Context()), "Migrate": migrate} {
		want := fmt.Sprintf("the database is at schema 99, this program needs %d; use a newer grantd", store.WantSchema())
		if check == nil || check.Error() != want {
			t.Errorf("%s: %v", name, check)
		}
	}
}

func TestMigrateAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantd.db")
	var wg sync.WaitGroup
	var mu sync.Mutex
	applied := 0
	migrate := func(from, to int64, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil || to != store.WantSchema() {
			t.Errorf("migrated from %d to %d, %v", from, to, err)
		}
		if from != to {
			applied++
		}
	}
	for range 8 {
		db := open(t, path)
		wg.Go(func() { migrate(db.Migrate(t.Context())) })
	}
	for range 4 {
		cmd := child(t, "migrate", path)
		wg.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("another process: %v\n%s", err, out)
			} else {
				migrate(int64(out[0]-'0'), store.WantSchema(), nil)
			}
		})
	}
	wg.Wait()
	if applied != 1 {
		t.Errorf("applied %d times", applied)
	}
}
