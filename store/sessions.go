package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Session is a browser in which a user is signed in.
type Session struct {
	ID           string    // the sid of ID tokens (OpenID Connect Back-Channel Logout §2.1); no secret
	Cookie       string    // SHA-256, in base64url, of the secret that the browser has
	UserID       string    // who is signed in
	AuthTime     time.Time // when they last proved it
	CreatedAt    time.Time
	SeenAt       time.Time
	ExpiresAt    time.Time // slides while the session is used
	MaxExpiresAt time.Time // how far ExpiresAt may slide
	Agent        string    // the User-Agent of the browser, as it was sent
	Address      string    // where it was last seen
}

const sessionColumns = `id, cookie, user_id, auth_time, created_at, seen_at, expires_at, max_expires_at, agent, address`

func scanSession(row scanner) (s Session, err error) {
	err = row.Scan(&s.ID, &s.Cookie, &s.UserID, instant{&s.AuthTime}, instant{&s.CreatedAt}, instant{&s.SeenAt},
		instant{&s.ExpiresAt}, instant{&s.MaxExpiresAt}, &s.Agent, &s.Address)
	return s, err
}

// The user is held to what was proved, as in createGrant.
const stillProved = `EXISTS (SELECT 1 FROM users WHERE id = $3 AND disabled_at IS NULL AND password_hash = $11 /*lock FOR SHARE*/)`

const putSession = `INSERT INTO sessions (` + sessionColumns + `)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE ` + stillProved + ` ON CONFLICT (id) DO NOTHING`

// A session that ended stays so, whoever renews it at the same time: apps were told that it is over.
const renewSession = `UPDATE sessions SET cookie = $2, auth_time = $4, created_at = $5, seen_at = $6, expires_at = $7, max_expires_at = $8,
	agent = $9, address = $10 WHERE id = $1 AND user_id = $3 AND ` + stillProved

// MostSessions is how many sessions a user has at most. Who signs in once more loses the one that
// was not seen for the longest time.
const MostSessions = 100

const dropOldest = `DELETE FROM sessions WHERE user_id = $1 AND id IN
	(SELECT id FROM sessions WHERE user_id = $1 AND id <> $2 ORDER BY seen_at DESC, id LIMIT $3 OFFSET $4)`

// PutSession adds s, if at this moment the user exists, is enabled and has passwordHash, the hash that
// the login was checked against. It returns false if not.
func (db *DB) PutSession(ctx context.Context, s Session, passwordHash string) (put bool, err error) {
	err = db.update(ctx, func(tx *sql.Tx) error {
		put, err = db.writeSession(ctx, tx, putSession, s, passwordHash)
		if err != nil || !put {
			return err
		}
		_, err = tx.ExecContext(ctx, dropOldest, s.UserID, s.ID, MostSessions, MostSessions-1)
		return err
	})
	return put && err == nil, err
}

// RenewSession is PutSession for who signs in again in the same browser: the session goes on, by which apps know
// them, under another secret (OWASP: session fixation). It returns false, too, if the session has ended.
func (db *DB) RenewSession(ctx context.Context, s Session, passwordHash string) (renewed bool, err error) {
	err = db.update(ctx, func(tx *sql.Tx) error {
		renewed, err = db.writeSession(ctx, tx, renewSession, s, passwordHash)
		return err
	})
	return renewed && err == nil, err
}

func (db *DB) writeSession(ctx context.Context, tx *sql.Tx, statement string, s Session, passwordHash string) (written bool, err error) {
	if s.ID == "" || s.Cookie == "" || s.ExpiresAt.IsZero() || s.MaxExpiresAt.IsZero() {
		return false, errors.New("a session needs an ID, a Cookie, ExpiresAt and MaxExpiresAt")
	}
	n, err := affected(tx.ExecContext(ctx, db.dialect.words(statement), s.ID, s.Cookie, s.UserID, millis(s.AuthTime), millis(s.CreatedAt),
		millis(s.SeenAt), millis(s.ExpiresAt), millis(s.MaxExpiresAt), s.Agent, s.Address, passwordHash))
	return n == 1, err
}

// SessionByCookie returns the session with that hash of its secret, expired or not, or ErrNotFound.
func (db *DB) SessionByCookie(ctx context.Context, cookie string) (Session, error) {
	return one(ctx, db.read, scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE cookie = $1`, cookie)
}

// Sessions returns the user's sessions that have not expired at now, by id.
func (db *DB) Sessions(ctx context.Context, userID string, now time.Time) ([]Session, error) {
	return list(ctx, db.read, scanSession,
		`SELECT `+sessionColumns+` FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY id`, userID, millis(now))
}

// TouchSession notes that a session was seen at now, at an address, and lets it live for idle from
// there on, but not past MaxExpiresAt. One that has ended stays so.
func (db *DB) TouchSession(ctx context.Context, id string, now time.Time, idle time.Duration, address string) error {
	_, err := db.write.exec(ctx, `UPDATE sessions SET seen_at = $2, address = $3,
		expires_at = CASE WHEN $4 < max_expires_at THEN $4 ELSE max_expires_at END
		WHERE id = $1 AND expires_at > $2 AND seen_at <= $2`, id, millis(now), address, millis(now.Add(idle)))
	return err
}

// JoinSession notes that a client was told of a session. It returns false if the session has ended.
func (db *DB) JoinSession(ctx context.Context, id, clientID string) (joined bool, err error) {
	n, err := db.write.exec(ctx, `INSERT INTO session_clients (session_id, client_id)
		SELECT id, $2 FROM sessions WHERE id = $1 ON CONFLICT (session_id, client_id) DO UPDATE SET client_id = excluded.client_id`, id, clientID)
	return n == 1, err
}

// SessionEnd says which sessions of a user end.
type SessionEnd struct {
	UserID string
	ID     string    // this one; empty: all
	Except string    // but not this one; empty: no exception
	Now    time.Time // the time of the revocations
	Until  time.Time // how long they are kept: when the last access token issued before Now expires
}

// EndedSessions are sessions that have ended.
type EndedSessions struct {
	IDs    []string
	Told   []ToldSession // who may want to know
	Grants []string      // the authorizations that ended with them
}

// ToldSession is a session and a client that was told of it.
type ToldSession struct{ ID, ClientID string }

// EndSessions ends sessions and, with them, the authorizations of OpenID Connect clients that began
// there and were not given offline access (OpenID Connect Back-Channel Logout §2.7).
func (db *DB) EndSessions(ctx context.Context, in SessionEnd) (ended EndedSessions, err error) {
	err = db.updateDated(ctx, func(tx *sql.Tx) error {
		// Whatever ends what a user began locks the user first, so that two never wait for each other.
		if err := db.hold(ctx, tx, "users", in.UserID); err != nil {
			return ignoreNoRows(err)
		}
		ids, err := texts(tx.QueryContext(ctx, `SELECT id FROM sessions
			WHERE user_id = $1 AND ($2 = '' OR id = $2) AND id <> $3 ORDER BY id`, in.UserID, in.ID, in.Except))
		if err != nil {
			return err
		}
		ended = EndedSessions{}
		for _, id := range ids {
			// Codes and authorizations that are being made there wait, or are waited for.
			err := db.hold(ctx, tx, "sessions", id)
			if errors.Is(err, sql.ErrNoRows) {
				continue // ended meanwhile
			}
			if err != nil {
				return err
			}
			if err := ended.end(ctx, tx, in, id); err != nil {
				return err
			}
		}
		return nil
	})
	return ended, err
}

// end ends one session.
func (e *EndedSessions) end(ctx context.Context, tx *sql.Tx, in SessionEnd, id string) error {
	if err := e.tell(ctx, tx, id); err != nil {
		return err
	}
	grants, err := texts(tx.QueryContext(ctx, `UPDATE grants SET revoked_at = $1
		WHERE user_id = $2 AND session_id = $3 AND revoked_at IS NULL
		AND scope LIKE '%"openid"%' AND scope NOT LIKE '%"offline_access"%' RETURNING id`, millis(in.Now), in.UserID, id))
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := revoke(ctx, tx, RevokedGrant, g, in.Now, in.Until); err != nil {
			return err
		}
	}
	e.Grants = append(e.Grants, grants...)
	// Codes that are under way would become authorizations of a session that is no more.
	if _, err := tx.ExecContext(ctx, `DELETE FROM codes WHERE user_id = $1 AND session_id = $2 AND used_at IS NULL`, in.UserID, id); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE id = $1`, id)
	return err
}

// tell adds a session that is about to end, and who was told of it.
func (e *EndedSessions) tell(ctx context.Context, tx *sql.Tx, id string) error {
	clients, err := texts(tx.QueryContext(ctx, `SELECT client_id FROM session_clients WHERE session_id = $1 ORDER BY client_id`, id))
	e.IDs = append(e.IDs, id)
	for _, c := range clients {
		e.Told = append(e.Told, ToldSession{id, c})
	}
	return err
}

func ignoreNoRows(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// texts reads rows of one text each.
func texts(rows *sql.Rows, err error) (all []string, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}
