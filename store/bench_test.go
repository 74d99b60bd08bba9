package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
)

func benchmarkDB(b *testing.B) (*store.DB, store.Grant) {
	db := migrated(b, filepath.Join(b.TempDir(), "grantd.db"))
	storetest.Populate(b, db, "g")
	g, err := db.Grant(b.Context(), "g")
	if err != nil {
		b.Fatal(err)
	}
	g.MaxExpiresAt = g.MaxExpiresAt.AddDate(100, 0, 0)
	b.ReportAllocs()
	return db, g
}

func BenchmarkCreateGrant(b *testing.B) {
	db, g := benchmarkDB(b)
	n := 0
	for b.Loop() {
		n++
		g.ID = fmt.Sprint("g", n)
		if created, err := db.CreateGrant(b.Context(), g, "hash"); !created || err != nil {
			b.Fatal(created, err)
		}
	}
}

func BenchmarkRotateGrant(b *testing.B) {
	db, g := benchmarkDB(b)
	g.ID = "bench"
	if created, err := db.CreateGrant(b.Context(), g, "hash"); !created || err != nil {
		b.Fatal(created, err)
	}
	in := rotationOf(g)
	in.Now = time.UnixMilli(g.RotatedAt.UnixMilli())
	for b.Loop() {
		res, err := db.RotateGrant(b.Context(), in)
		if err != nil || res.Outcome != store.Rotated {
			b.Fatal(res.Outcome, err)
		}
		in.Generation++
	}
}
