package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// Rows of master keys beside store.MasterRow, and kinds of keys that the database keeps sealed.
const (
	// nextMaster is of the master key that is to come: under it lie the keys of the one there is, so
	// that servers with either work with the same keys.
	nextMaster = "master.next"
	masterKind = "master"
	// refreshKind is of keys of refresh tokens from before a change of the master key. Their ids have
	// its name behind this and a dot.
	refreshKind = "refresh"
)

// mostRefreshKeys is how many master keys of before may have refresh tokens out: each is tried on
// every token that the newest did not make.
const mostRefreshKeys = 4

// keyring is what a master key opens.
type keyring struct {
	master  *token.Master // whose keys are in use: the own ones, or those of the master key that is to go
	signing []token.SigningKey
	refresh []token.RefreshKey // of refresh tokens that master did not make
}

// wrongMaster is a token.ErrSealed that names the keys.
type wrongMaster struct{ have, want string }

func (e *wrongMaster) Error() string {
	return fmt.Sprintf("the master key %s is not that of this database, which is %s; start with that one", e.have, e.want)
}

func (*wrongMaster) Is(target error) bool { return target == token.ErrSealed }

// OpenMaster gives the keys that are in use in the database to whoever holds its master key, or the
// one that is to come. It returns token.ErrSealed when m is neither.
func OpenMaster(ctx context.Context, db *store.DB, m *token.Master) (*token.Master, error) {
	rows, err := db.SealedKeys(ctx)
	if err != nil {
		return nil, err
	}
	return masterIn(rows, m)
}

func masterIn(rows []store.SealedKey, m *token.Master) (*token.Master, error) {
	now := rowOf(rows, store.MasterRow)
	if now.ID == "" {
		return m, nil // a new database; claimMaster makes it m's
	}
	row := now
	if next := rowOf(rows, nextMaster); next.SealedBy == m.ID() {
		row = next
	}
	if row.SealedBy != m.ID() {
		return nil, &wrongMaster{m.ID(), now.SealedBy}
	}
	keys, err := m.Unwrap(row.ID, row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("the keys of the master key %s: %w", m.ID(), err)
	}
	return keys, nil
}

// rowOf is the row of that id, or the zero one.
func rowOf(rows []store.SealedKey, id string) store.SealedKey {
	for _, row := range rows {
		if row.ID == id {
			return row
		}
	}
	return store.SealedKey{}
}

// openKeys gives all that m opens. It returns token.ErrSealed when m is not the master key.
func openKeys(ctx context.Context, db *store.DB, m *token.Master, now time.Time) (keyring, error) {
	ring, err := openKeysOnce(ctx, db, m, now)
	if errors.Is(err, token.ErrSealed) { // the master key may have been changed between two looks
		ring, err = openKeysOnce(ctx, db, m, now)
	}
	return ring, err
}

func openKeysOnce(ctx context.Context, db *store.DB, m *token.Master, now time.Time) (ring keyring, err error) {
	rows, err := db.SealedKeys(ctx)
	if err != nil {
		return keyring{}, err
	}
	if ring.master, err = masterIn(rows, m); err != nil {
		return keyring{}, err
	}
	if ring.refresh, err = refreshKeys(rows, ring.master, now); err != nil {
		return keyring{}, err
	}
	if ring.master.ID() != m.ID() {
		// m's own, too: others hear sooner than we do that it is in use.
		ring.refresh = append(ring.refresh, m.RefreshKey())
	}
	ring.signing, err = openSigningKeys(ctx, db, ring.master)
	return ring, err
}

func refreshKeys(rows []store.SealedKey, m *token.Master, now time.Time) (keys []token.RefreshKey, err error) {
	for _, row := range rows {
		if row.Kind != refreshKind || !now.Before(row.ExpiresAt) {
			continue
		}
		key, err := m.OpenRefreshKey(row.ID, row.Sealed)
		if err != nil {
			return nil, fmt.Errorf("the key %s: %w", row.ID, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func openSigningKeys(ctx context.Context, db *store.DB, m *token.Master) ([]token.SigningKey, error) {
	rows, err := db.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]token.SigningKey, 0, len(rows)+1)
	for _, row := range rows {
		key, err := token.OpenKey(m, row.ID, row.Alg, row.SignFrom, row.Sealed)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", row.ID, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// OpenRefresher makes one that reads every refresh token which the servers of this database do. It returns
// token.ErrSealed when m is not the master key.
func OpenRefresher(ctx context.Context, db *store.DB, m *token.Master, issuer string, now func() time.Time) (*token.Refresher, error) {
	ring, err := openKeys(ctx, db, m, now())
	if err != nil {
		return nil, err
	}
	r := token.NewRefresher(ring.master, issuer, now)
	r.Use(ring.master, ring.refresh...)
	return r, nil
}

// claimMaster makes m the master key of a database that has none yet, if it opens what is there. It
// returns token.ErrSealed when it does not, or another process was faster with another key.
func claimMaster(ctx context.Context, db *store.DB, m *token.Master, now time.Time) error {
	rows, err := db.SealedKeys(ctx)
	if err != nil {
		return err
	}
	if rowOf(rows, store.MasterRow).ID != "" {
		_, err := masterIn(rows, m)
		return err
	}
	if _, err := openSigningKeys(ctx, db, m); err != nil { // of a version that did not name its master key
		return err
	}
	_, err = db.AddSealedKey(ctx, store.SealedKey{
		ID: store.MasterRow, Kind: masterKind, Sealed: m.Wrap(store.MasterRow, m), SealedBy: m.ID(), CreatedAt: now,
	})
	if errors.Is(err, store.ErrResealed) {
		err = nil // it has one, under which m may be the next; the look below tells
	}
	if err != nil {
		return err
	}
	_, err = OpenMaster(ctx, db, m)
	return err
}

// masterCheck is how long after the last look at the keys a refresh token of an unknown key is worth
// another one. Strangers can make up such tokens.
const masterCheck = time.Second

// lookedAtKeys is what came of the last look at the keys. Who has the keyTurn may use it.
type lookedAtKeys struct {
	at  time.Time
	err error
}

// readOtherKey reads a refresh token that no key made which is known here. Another server may have
// gone over to a new master key since the last look. Where this one was not started with that, the
// token may be good all the same, and its client is not to take it for dead: another server reads it,
// or this one after its restart.
func (s *Server) readOtherKey(ctx context.Context, refresh string) (token.Refresh, error) {
	if err := s.lookAtKeys(ctx); err != nil {
		return token.Refresh{}, unavailable(reason.MasterKeyReplaced, "the server cannot tell whether this token is good; try again", time.Second).because(err)
	}
	return s.refresher.Read(refresh)
}

// lookAtKeys reads the keys unless that was done just before.
func (s *Server) lookAtKeys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	release, err := s.keyTurn.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	if within(s.Now().Sub(s.looked.at), masterCheck) {
		return s.looked.err
	}
	return s.readKeys(ctx)
}
