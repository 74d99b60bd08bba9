package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// A master key is changed in three steps, so that no server ever meets what it cannot read:
//
//  1. PrepareReseal puts the keys that are in use under the new master key, too. The old one does not
//     learn of the new one: nothing that leads to it is sealed by a key that may be known to others.
//  2. The servers are restarted with the new master key, one by one. All work with the same keys.
//  3. Reseal seals everything under the new master key alone. Servers hear of it within keyPoll. Those
//     that have and those that have not read each other's refresh tokens: the former have the old key
//     in the database, the latter derive the new one from the master key that they were started with.

// ErrSameMaster says that the new master key is the old one.
var ErrSameMaster = errors.New("the new master key is the one that the database has; make another one")

// ErrOtherNext says that another master key was prepared.
var ErrOtherNext = errors.New(`another new master key was prepared; go on with that one, or give it up with "grantd key reseal --cancel"`)

// ErrNotPrepared says that no change of the master key was begun.
var ErrNotPrepared = errors.New(`no new master key was prepared; begin with "grantd key reseal --prepare"`)

// PrepareReseal lets servers work that are started with the master key next, beside those that have
// old. It returns token.ErrSealed when old is not the master key, ErrSameMaster, or ErrOtherNext.
func PrepareReseal(ctx context.Context, db *store.DB, old, next *token.Master, now time.Time) error {
	keys, err := mayReseal(ctx, db, old, next, now)
	if err != nil {
		return err
	}
	_, err = db.AddNextMaster(ctx, store.SealedKey{
		ID: nextMaster, Kind: masterKind, Sealed: next.Wrap(nextMaster, keys), SealedBy: next.ID(), CreatedAt: now,
	}, keys.ID())
	if err != nil {
		return err
	}
	_, err = mayReseal(ctx, db, old, next, now) // another process may have been faster with another key
	return err
}

// mayReseal gives the keys in use, of which old must be the master key.
func mayReseal(ctx context.Context, db *store.DB, old, next *token.Master, now time.Time) (*token.Master, error) {
	if old.ID() == next.ID() {
		return nil, ErrSameMaster
	}
	if err := claimMaster(ctx, db, old, now); err != nil {
		return nil, err
	}
	rows, err := db.SealedKeys(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := masterIn(rows, old)
	if err != nil {
		return nil, err
	}
	if keys.ID() == next.ID() {
		return nil, ErrSameMaster
	}
	if row := rowOf(rows, nextMaster); row.ID != "" && row.SealedBy != next.ID() {
		return nil, ErrOtherNext
	}
	return keys, nil
}

// CancelReseal gives up the master key that PrepareReseal was given. Servers that were started with it
// go on with what is in their memory, but could not be started again: it takes m to be the old one. It
// returns ErrNotPrepared when there is nothing to give up, and token.ErrSealed for another m.
func CancelReseal(ctx context.Context, db *store.DB, m *token.Master) error {
	keys, err := OpenMaster(ctx, db, m)
	if err != nil {
		return err
	}
	if keys.ID() != m.ID() {
		return errors.New("only who has the old master key can go back to it; give that one in the settings")
	}
	dropped, err := db.DropSealedKey(ctx, nextMaster, m.ID())
	if err == nil && !dropped {
		err = ErrNotPrepared
	}
	return err
}

// ResealAtOnce is Reseal that needs no PrepareReseal. Servers that were started with old go on with
// the keys in their memory, but cannot read what those make that are started with next.
func ResealAtOnce(ctx context.Context, db *store.DB, old, next *token.Master, in Reseal) (Resealed, error) {
	keys, err := mayReseal(ctx, db, old, next, in.Now)
	if err != nil {
		return Resealed{}, err
	}
	return in.do(ctx, db, keys, next, false)
}

// Reseal says how the old master key is given up.
type Reseal struct {
	Now time.Time
	// RefreshMaxTTL is how long an authorization may live that is made now.
	RefreshMaxTTL time.Duration
	// Leaked refuses the refresh tokens that the old master key made, and those before it. Whoever has
	// one has to log in again.
	Leaked bool
}

// Resealed is what was done.
type Resealed struct {
	Before, After string    // names of the master keys
	SigningKeys   int       // how many were sealed anew
	RefreshUntil  time.Time // when the last refresh token of the old master key expires; zero: none is good
}

// lateRefresh is how much longer the key of old refresh tokens is kept than the last one lives: servers
// may have been told late, and their clocks corrected.
const lateRefresh = time.Hour

// Finish seals everything under the master key m, for which PrepareReseal was called. It
// returns ErrNotPrepared when it was not.
func (in Reseal) Finish(ctx context.Context, db *store.DB, m *token.Master) (Resealed, error) {
	keys, err := OpenMaster(ctx, db, m)
	if err != nil {
		return Resealed{}, err
	}
	if keys.ID() == m.ID() {
		return Resealed{}, ErrNotPrepared
	}
	return in.do(ctx, db, keys, m, true)
}

func (in Reseal) do(ctx context.Context, db *store.DB, from, to *token.Master, prepared bool) (Resealed, error) {
	done := Resealed{Before: from.ID(), After: to.ID()}
	if !in.Leaked {
		last, err := db.LastRefresh(ctx)
		if err != nil {
			return Resealed{}, err
		}
		done.RefreshUntil = in.Now.Add(in.RefreshMaxTTL)
		if last.After(done.RefreshUntil) {
			done.RefreshUntil = last // of a time when authorizations lived longer
		}
		done.RefreshUntil = done.RefreshUntil.Add(lateRefresh)
	}
	err := db.Reseal(ctx, from.ID(), func(signing []store.SigningKey, rows []store.SealedKey) (store.Resealed, error) {
		next := rowOf(rows, nextMaster) // another operator may have cancelled, or prepared another one, since the look before
		switch {
		case next.ID == "" && prepared:
			return store.Resealed{}, ErrNotPrepared
		case next.ID != "" && next.SealedBy != to.ID():
			return store.Resealed{}, ErrOtherNext
		}
		done.SigningKeys = len(signing)
		return in.resealed(signing, rows, from, to, done.RefreshUntil)
	})
	return done, err
}

// resealed are all keys, sealed by to.
func (in Reseal) resealed(signing []store.SigningKey, rows []store.SealedKey, from, to *token.Master, refreshUntil time.Time) (all store.Resealed, err error) {
	for _, k := range signing {
		if k.Sealed, err = to.ResealSigningKey(from, k.ID, k.Sealed); err != nil {
			return all, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		all.Signing = append(all.Signing, k)
	}
	all.Keys = []store.SealedKey{{ID: store.MasterRow, Kind: masterKind, Sealed: to.Wrap(store.MasterRow, to), SealedBy: to.ID(), CreatedAt: in.Now}}
	old := 0
	for _, k := range rows {
		switch {
		case k.Kind == masterKind:
			continue
		case k.Kind == refreshKind:
			if in.Leaked || !in.Now.Before(k.ExpiresAt) || k.ID == refreshID(to) || k.ID == refreshID(from) {
				continue
			}
			old++
		}
		if k.Sealed, err = to.ResealKey(from, k.Kind, k.ID, k.Sealed); err != nil {
			return all, fmt.Errorf("the key %q: %w", k.ID, err)
		}
		k.SealedBy = to.ID()
		all.Keys = append(all.Keys, k)
	}
	if old >= mostRefreshKeys {
		return all, fmt.Errorf("refresh tokens of %d master keys from before are still good; wait until the first of them have expired, or end them with --leaked", old)
	}
	if !in.Leaked {
		id := refreshID(from)
		all.Keys = append(all.Keys, store.SealedKey{
			ID: id, Kind: refreshKind, Sealed: to.SealRefreshKey(id, from), SealedBy: to.ID(), CreatedAt: in.Now, ExpiresAt: refreshUntil,
		})
	}
	return all, nil
}

// refreshID is the row of the key of m's refresh tokens, once m is no longer the master key.
func refreshID(m *token.Master) string { return refreshKind + "." + m.ID() }
