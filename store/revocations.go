package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// RevocationKind says what a revocation revokes.
type RevocationKind string

// The kinds, and what the ID of such a revocation is.
const (
	RevokedGrant  RevocationKind = "grant"  // every token of an authorization; its id
	RevokedToken  RevocationKind = "token"  // one access token; its jti
	RevokedClient RevocationKind = "client" // every token of a client with an iat up to RevokedAt; its id
	ChangedClient RevocationKind = "secret" // no token, but a client's secret and all copies of it; its id
)

// Revocation revokes tokens that are still out.
type Revocation struct {
	Kind      RevocationKind
	ID        string
	RevokedAt time.Time
	ExpiresAt time.Time // when the tokens have expired by themselves, and this may be forgotten
}

// Revokes tells whether r revokes an access token with that jti, authorization, client and time
// of issue. A client may be deleted and made again under its id: tokens issued after the deletion
// are the new client's.
func (r Revocation) Revokes(jti, grantID, clientID string, issued time.Time) bool {
	switch r.Kind {
	case RevokedToken:
		return r.ID == jti
	case RevokedGrant:
		return r.ID == grantID && grantID != ""
	case RevokedClient:
		return r.ID == clientID && issued.Unix() <= r.RevokedAt.Unix()
	}
	return false
}

// A client can be deleted, made again and deleted again: the later revocation covers the earlier,
// and has a later time even if the clock was set back. Who polls tells them apart by it.
const orProlong = ` ON CONFLICT (kind, id) DO UPDATE SET
	revoked_at = CASE WHEN excluded.revoked_at > revocations.revoked_at THEN excluded.revoked_at ELSE revocations.revoked_at + 1 END,
	expires_at = CASE WHEN excluded.expires_at > revocations.expires_at THEN excluded.expires_at ELSE revocations.expires_at END`

const insertRevocation = `INSERT INTO revocations (kind, id, revoked_at, expires_at) VALUES ($1, $2, $3, $4)` + orProlong

func revoke(ctx context.Context, tx *sql.Tx, kind RevocationKind, id string, now, until time.Time) error {
	_, err := tx.ExecContext(ctx, insertRevocation, kind, id, millis(now), millis(until))
	return err
}

// LatestRevocation is how long after the time by which it is dated a revocation of authorizations or
// clients may be committed: a transaction that takes longer is taken back. Who polls has to look
// back as far.
const LatestRevocation = 4 * time.Minute

// updateDated is update for what revokes.
func (db *DB) updateDated(ctx context.Context, change func(tx *sql.Tx) error) error {
	limited, cancel := context.WithTimeout(ctx, LatestRevocation)
	defer cancel()
	err := db.update(limited, change)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: the change took longer than %v and was taken back; try again when the database has less to do", ErrUnavailable, LatestRevocation)
	}
	return err
}

// RevokeToken revokes the access token jti, which expires at until. Doing it again is no error.
func (db *DB) RevokeToken(ctx context.Context, jti string, now, until time.Time) error {
	_, err := db.write.exec(ctx, insertRevocation, RevokedToken, jti, millis(now), millis(until))
	return err
}

// Revocations returns, by RevokedAt, those made at or after since that have not expired at now.
// RevokedAt is the time that the revoking process had: one who polls should let since lie back by
// as much as clocks differ and statements take.
func (db *DB) Revocations(ctx context.Context, since, now time.Time) ([]Revocation, error) {
	return list(ctx, db.watch, scanRevocation, `SELECT kind, id, revoked_at, expires_at FROM revocations
		WHERE revoked_at >= $1 AND expires_at > $2 ORDER BY revoked_at, kind, id`, millis(since), millis(now))
}

// RevocationsOf returns those that may concern an access token with that jti, authorization and
// client, for who cannot poll: see [Revocation.Revokes].
func (db *DB) RevocationsOf(ctx context.Context, jti, grantID, clientID string) ([]Revocation, error) {
	return list(ctx, db.read, scanRevocation, `SELECT kind, id, revoked_at, expires_at FROM revocations
		WHERE kind = $1 AND id = $2 OR kind = $3 AND id = $4 OR kind = $5 AND id = $6`,
		RevokedToken, jti, RevokedGrant, grantID, RevokedClient, clientID)
}

func scanRevocation(row scanner) (r Revocation, err error) {
	err = row.Scan(&r.Kind, &r.ID, instant{&r.RevokedAt}, instant{&r.ExpiresAt})
	return r, err
}
