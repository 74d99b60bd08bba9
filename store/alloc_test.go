//go:build !race

package store_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/grantd/grantd/store/storetest"
)

// TestAllocationsOfRotation bounds those of a refresh that shares its commit. Most are those of
// database/sql and the driver, for each argument and column.
func TestAllocationsOfRotation(t *testing.T) {
	const callers = 16
	db := migrated(t, filepath.Join(t.TempDir(), "grantd.db"))
	storetest.Populate(t, db, "g")
	g, err := db.Grant(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	all := rotations(t, db, g, callers)
	var wg sync.WaitGroup
	n := testing.AllocsPerRun(50, func() {
		for i := range all {
			wg.Go(func() {
				if _, err := db.RotateGrant(t.Context(), all[i]); err != nil {
					t.Error(err)
				}
				all[i].Generation++
			})
		}
		wg.Wait()
	})
	if n /= callers; n > 85 {
		t.Errorf("%.0f allocations", n)
	} else {
		t.Logf("%.0f allocations", n)
	}
}
