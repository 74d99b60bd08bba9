package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Grant is one authorization: what a user let a client do. It stays one row however often it is
// refreshed.
type Grant struct {
	ID, ClientID, UserID string
	Scope                []string
	Generation           int64     // of the refresh token that counts
	AuthTime             time.Time // when the user logged in
	CreatedAt            time.Time
	RotatedAt            time.Time // when the refresh token that counts was issued
	ExpiresAt            time.Time // slides at each rotation
	MaxExpiresAt         time.Time // how far ExpiresAt may slide
	RevokedAt            time.Time // zero: live

	SessionID string   // the session in which it began; empty: none
	Audience  []string // of its access tokens; nil: what the server has for all
	Claims    string   // the claims that the client asked for (OpenID Connect Core §5.5); empty: none
	UsedFrom  string   // the address that had a token of it last; empty: unknown
}

const grantColumns = `id, client_id, user_id, scope, generation, auth_time, created_at, rotated_at, expires_at, max_expires_at, revoked_at, ` +
	`session_id, audience, claims, used_from`

func scanGrant(row scanner) (g Grant, err error) {
	err = row.Scan(&g.ID, &g.ClientID, &g.UserID, (*names)(&g.Scope), &g.Generation,
		instant{&g.AuthTime}, instant{&g.CreatedAt}, instant{&g.RotatedAt},
		instant{&g.ExpiresAt}, instant{&g.MaxExpiresAt}, instant{&g.RevokedAt},
		&g.SessionID, (*names)(&g.Audience), &g.Claims, &g.UsedFrom)
	return g, err
}

// One statement, so that a login which races with a disabling, a new password or a deletion
// either sees it or is seen by it, and is ended.
const createGrant = `INSERT INTO grants (` + grantColumns + `)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
	WHERE EXISTS (SELECT 1 FROM users WHERE id = $3 AND disabled_at IS NULL AND ($16 = '' OR password_hash = $16) /*lock FOR SHARE*/)
	AND EXISTS (SELECT 1 FROM clients WHERE id = $2 /*lock FOR KEY SHARE*/)
	ON CONFLICT DO NOTHING`

// CreateGrant adds g if at this moment its client exists, and its user exists, is enabled and has
// passwordHash, the hash that the login was checked against; "" is any, for flows without a
// password. It returns false if not, or if g.ID is taken.
func (db *DB) CreateGrant(ctx context.Context, g Grant, passwordHash string) (created bool, err error) {
	if g.ExpiresAt.IsZero() || g.MaxExpiresAt.IsZero() || g.Generation < 0 {
		return false, errors.New("an authorization needs ExpiresAt, MaxExpiresAt and a Generation from 0 up")
	}
	n, err := db.write.exec(ctx, createGrant, g.args(passwordHash)...)
	return n == 1, err
}

// args are those of createGrant.
func (g Grant) args(passwordHash string) []any {
	return []any{
		g.ID, g.ClientID, g.UserID, names(g.Scope), g.Generation,
		millis(g.AuthTime), millis(g.CreatedAt), millis(g.RotatedAt), millis(g.ExpiresAt),
		millis(g.MaxExpiresAt), orNull(millis(g.RevokedAt)),
		g.SessionID, names(g.Audience), g.Claims, g.UsedFrom, passwordHash,
	}
}

const selectGrant = `SELECT ` + grantColumns + ` FROM grants WHERE id = $1`

// Grant returns the authorization with that id, live or not, or ErrNotFound.
func (db *DB) Grant(ctx context.Context, id string) (Grant, error) {
	return one(ctx, db.read, scanGrant, selectGrant, id)
}

// GrantFilter selects authorizations that are live at Now: neither revoked nor expired.
type GrantFilter struct {
	UserID, ClientID string    // of this user, of this client; both empty: all
	After            string    // for Grants: begin behind this id
	Limit            int       // for Grants: how many at most; zero means all
	Now              time.Time // also the time of a revocation
}

// Grants returns the authorizations that f selects, by id.
func (db *DB) Grants(ctx context.Context, f GrantFilter) ([]Grant, error) {
	where, args := f.where(f.After, atMost(f.Limit), millis(f.Now))
	return list(ctx, db.read, scanGrant,
		`SELECT `+grantColumns+` FROM grants WHERE id > $1 AND revoked_at IS NULL AND expires_at > $3`+
			where+` ORDER BY id LIMIT $2`, args...)
}

// where is the condition on user and client, and args with its arguments behind them.
func (f GrantFilter) where(args ...any) (condition string, all []any) {
	and := func(column, id string) {
		if id != "" {
			args = append(args, id)
			condition += fmt.Sprintf(" AND %s = $%d", column, len(args))
		}
	}
	and("user_id", f.UserID)
	and("client_id", f.ClientID)
	return condition, args
}

// RevokeGrant ends an authorization. It returns true to the one caller who did it, and false if it
// was ended before or there is none, which to the holder of a token is the same. The revocation
// is kept until until, when the last access token issued before now has expired.
func (db *DB) RevokeGrant(ctx context.Context, id string, now, until time.Time) (revoked bool, err error) {
	err = db.updateDated(ctx, func(tx *sql.Tx) error {
		revoked, err = revokeGrant(ctx, tx, id, now, until)
		return err
	})
	return revoked && err == nil, err
}

func revokeGrant(ctx context.Context, tx *sql.Tx, id string, now, until time.Time) (revoked bool, err error) {
	n, err := affected(tx.ExecContext(ctx,
		`UPDATE grants SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL`, millis(now), id))
	if err != nil || n == 0 {
		return false, err
	}
	return true, revoke(ctx, tx, RevokedGrant, id, now, until)
}

// RevokeGrants ends the authorizations of f's user or client, or all, and returns how many were
// live at f.Now. After and Limit do not count.
func (db *DB) RevokeGrants(ctx context.Context, f GrantFilter, until time.Time) (ended int, err error) {
	err = db.updateDated(ctx, func(tx *sql.Tx) error {
		ended, err = endGrants(ctx, tx, f, until)
		return err
	})
	return ended, err
}

// endGrants revokes what f selects, as part of a larger change.
func endGrants(ctx context.Context, tx *sql.Tx, f GrantFilter, until time.Time) (ended int, err error) {
	where, args := f.where(millis(f.Now))
	const end = `UPDATE grants SET revoked_at = $1 WHERE revoked_at IS NULL`
	ended, err = affected(tx.ExecContext(ctx, end+` AND expires_at > $1`+where, args...))
	if err != nil {
		return 0, err
	}
	// Expired ones too: the access token of a late refresh can outlive its authorization.
	if _, err = tx.ExecContext(ctx, end+where, args...); err != nil {
		return 0, err
	}
	// What the update found, and no other: each statement may see more rows than the one before.
	where, args = f.where(RevokedGrant, millis(f.Now), millis(until))
	_, err = tx.ExecContext(ctx, `INSERT INTO revocations (kind, id, revoked_at, expires_at)
		SELECT $1, id, $2, $3 FROM grants WHERE revoked_at = $2`+where+orProlong, args...)
	return ended, err
}
