package storetest

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

func sealed(id string) store.SealedKey {
	return store.SealedKey{ID: id, Kind: "audit", Sealed: []byte{0, 1, 255}, SealedBy: "m1", CreatedAt: now}
}

func testSealedKeys(t *testing.T, db *store.DB) {
	ctx := t.Context()
	_, err := db.SealedKey(ctx, "audit")
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no key: %v", err)
	}
	added := race(t, 20, func(i int) (bool, error) {
		k := sealed("audit")
		k.Sealed = []byte(strconv.Itoa(i))
		return db.AddSealedKey(ctx, k)
	})
	equal(t, "added of those that started at once", count(added, true), 1)
	k := get(db.SealedKey(ctx, "audit"))(t)
	if i, err := strconv.Atoi(string(k.Sealed)); err != nil || !added[i] {
		t.Errorf("the key is %q, which is not the one that was added", k.Sealed)
	}
	dated := sealed("another")
	dated.ExpiresAt = later
	equal(t, "another", get(db.AddSealedKey(ctx, dated))(t), true)
	equal(t, "all by id", get(db.SealedKeys(ctx))(t), []store.SealedKey{dated, k})
}

// sealer puts keys under the master key m2, by writing its name into them.
func sealer(signing []store.SigningKey, keys []store.SealedKey) (out store.Resealed, err error) {
	for _, k := range signing {
		k.Sealed = append(slices.Clone(k.Sealed), "m2"...)
		out.Signing = append(out.Signing, k)
	}
	for _, k := range keys {
		if k.ID == "gone" {
			continue
		}
		k.Sealed, k.SealedBy = append(slices.Clone(k.Sealed), "m2"...), "m2"
		out.Keys = append(out.Keys, k)
	}
	return out, nil
}

func testReseal(t *testing.T, db *store.DB) {
	ctx := t.Context()
	master, gone, dated := sealed(store.MasterRow), sealed("gone"), sealed("dated")
	dated.ExpiresAt = later
	for _, k := range []store.SealedKey{master, gone, dated} {
		equal(t, "added", get(db.AddSealedKey(ctx, k))(t), true)
	}
	k1 := key("k1", now)
	must(t, db.AddSigningKey(ctx, k1))

	// Nothing happens unless all does.
	failed := errors.New("no")
	for name, seal := range map[string]func([]store.SigningKey, []store.SealedKey) (store.Resealed, error){
		"an error": func([]store.SigningKey, []store.SealedKey) (store.Resealed, error) { return store.Resealed{}, failed },
		"a key that is not there": func(signing []store.SigningKey, keys []store.SealedKey) (store.Resealed, error) {
			out, err := sealer(signing, keys)
			out.Signing = append(out.Signing, key("k9", now))
			return out, err
		},
	} {
		if err := db.Reseal(ctx, "m1", seal); err == nil {
			t.Errorf("%s: no error", name)
		}
		equal(t, name+": keys", get(db.SealedKeys(ctx))(t), []store.SealedKey{dated, gone, master})
		equal(t, name+": signing keys", get(db.SigningKeys(ctx))(t), []store.SigningKey{k1})
	}

	must(t, db.Reseal(ctx, "m1", sealer))
	k1.Sealed = append(k1.Sealed, "m2"...)
	equal(t, "signing keys", get(db.SigningKeys(ctx))(t), []store.SigningKey{k1})
	for _, k := range []*store.SealedKey{&dated, &master} {
		k.Sealed, k.SealedBy = append(k.Sealed, "m2"...), "m2"
	}
	equal(t, "keys", get(db.SealedKeys(ctx))(t), []store.SealedKey{dated, master})

	// What the master key of before has sealed comes too late.
	late := key("k2", now)
	late.SealedBy = "m1"
	for name, err := range map[string]error{
		"AddSigningKey":      db.AddSigningKey(ctx, late),
		"AddFirstSigningKey": drop(db.AddFirstSigningKey(ctx, late)),
		"ReplaceSigningKeys": drop(db.ReplaceSigningKeys(ctx, late)),
		"AddSealedKey":       drop(db.AddSealedKey(ctx, sealed("late"))),
		"AddNextMaster":      drop(db.AddNextMaster(ctx, sealed("late"), "m1")),
		"DropSealedKey":      drop(db.DropSealedKey(ctx, "late", "m1")),
		"Reseal":             db.Reseal(ctx, "m1", sealer),
	} {
		if !errors.Is(err, store.ErrResealed) {
			t.Errorf("%s: %v, want ErrResealed", name, err)
		}
	}
	late.SealedBy = "m2"
	must(t, db.AddSigningKey(ctx, late))
	equal(t, "next master", get(db.AddNextMaster(ctx, sealed("next"), "m2"))(t), true)
	equal(t, "next master again", get(db.AddNextMaster(ctx, sealed("next"), "m2"))(t), false)
	equal(t, "dropped", get(db.DropSealedKey(ctx, "next", "m2"))(t), true)
	equal(t, "dropped again", get(db.DropSealedKey(ctx, "next", "m2"))(t), false)

	equal(t, "swept before its time", get(db.Sweep(ctx, store.Sweep{Now: later.Add(-time.Millisecond)}))(t).Deleted, 0)
	equal(t, "swept", get(db.Sweep(ctx, store.Sweep{Now: later}))(t).Deleted, 1)
	equal(t, "keys that never expire", get(db.SealedKeys(ctx))(t), []store.SealedKey{master})

	equal(t, "last refresh of none", get(db.LastRefresh(ctx))(t), time.Time{})
	populate(t, db, "g1")
	equal(t, "last refresh", get(db.LastRefresh(ctx))(t), grant("g1", "app").MaxExpiresAt)
}

// Keys that are added while the master key is changed are sealed anew, or refused.
func testResealRace(t *testing.T, db *store.DB) {
	ctx := t.Context()
	get(db.AddSealedKey(ctx, sealed(store.MasterRow)))(t)
	added := race(t, 30, func(i int) (bool, error) {
		if i == 15 {
			return false, db.Reseal(ctx, "m1", sealer)
		}
		k := key("k"+strconv.Itoa(i), now)
		k.Sealed, k.SealedBy = []byte("m1"), "m1"
		err := db.AddSigningKey(ctx, k)
		if errors.Is(err, store.ErrResealed) {
			return false, nil
		}
		return err == nil, err
	})
	keys := get(db.SigningKeys(ctx))(t)
	equal(t, "keys", len(keys), count(added, true))
	for _, k := range keys {
		if string(k.Sealed) != "m1m2" {
			t.Errorf("key %s is sealed by %s", k.ID, k.Sealed)
		}
	}
}
