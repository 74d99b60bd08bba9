package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
)

// User is a resource owner.
type User struct {
	ID           string // immutable, never used twice
	Username     string // unique without regard to letter case
	Email        string // "" or unique without regard to letter case
	FullName     string
	PasswordHash string
	Scopes       []string // what the user may grant; nil means all
	CreatedAt    time.Time
	DisabledAt   time.Time // zero: enabled
}

const userColumns = `id, username, email, full_name, password_hash, scopes, created_at, disabled_at`

func scanUser(row scanner) (u User, err error) {
	err = row.Scan(&u.ID, &u.Username, &u.Email, &u.FullName, &u.PasswordHash,
		(*names)(&u.Scopes), instant{&u.CreatedAt}, instant{&u.DisabledAt})
	return u, err
}

// CreateUser adds u. It returns a *TakenError when the id, username or email is another user's,
// and refuses a username or email by which two users could log in.
func (db *DB) CreateUser(ctx context.Context, u User) error {
	if err := checkLogins(u); err != nil {
		return err
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO users (`+userColumns+`, username_key, email_key)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
			u.ID, u.Username, u.Email, u.FullName, u.PasswordHash, names(u.Scopes),
			millis(u.CreatedAt), orNull(millis(u.DisabledAt)), fold(u.Username), orNull(fold(u.Email))))
		if err != nil || n == 1 {
			return err
		}
		return takenUser(ctx, tx, u)
	})
}

// checkLogins keeps usernames and emails apart, since UserByLogin takes either: only an email
// contains '@', and a username only if it is the user's own email.
func checkLogins(u User) error {
	switch {
	case u.Username == "":
		return errors.New("a user needs a username")
	case strings.Contains(u.Username, "@") && fold(u.Username) != fold(u.Email):
		return errors.New("a username with @ in it must be the user's own email; choose another one")
	case u.Email != "" && !strings.Contains(u.Email, "@"):
		return errors.New("an email must contain @; correct it")
	}
	return nil
}

func takenUser(ctx context.Context, tx *sql.Tx, u User) error {
	var taken TakenError
	err := tx.QueryRowContext(ctx, `SELECT CASE
			WHEN EXISTS (SELECT 1 FROM users WHERE username_key = $1) THEN 'username'
			WHEN EXISTS (SELECT 1 FROM users WHERE email_key = $2) THEN 'email'
			ELSE 'id' END`,
		fold(u.Username), fold(u.Email)).Scan(&taken.Field)
	if err != nil {
		return err
	}
	return &taken
}

// User returns the user with that id, or ErrNotFound.
func (db *DB) User(ctx context.Context, id string) (User, error) {
	return one(ctx, db.read, scanUser, `SELECT `+userColumns+` FROM users WHERE id = $1`, id)
}

// UserByLogin returns the user with that username or email, in any letter case, or ErrNotFound.
func (db *DB) UserByLogin(ctx context.Context, login string) (User, error) {
	return one(ctx, db.read, scanUser,
		`SELECT `+userColumns+` FROM users WHERE username_key = $1 OR email_key = $1`, fold(login))
}

// Users returns users by username, beginning behind the username after. A limit of zero means all.
func (db *DB) Users(ctx context.Context, after string, limit int) ([]User, error) {
	return list(ctx, db.read, scanUser,
		`SELECT `+userColumns+` FROM users WHERE username_key > $1 ORDER BY username_key LIMIT $2`,
		fold(after), atMost(limit))
}

// SetPassword stores hash and ends the user's authorizations and sessions. It returns how many were live at
// now. The revocations are kept until until, when the last access token issued before now has
// expired.
func (db *DB) SetPassword(ctx context.Context, id, hash string, now, until time.Time) (ended int, err error) {
	return db.changeUser(ctx, id, now, until, `UPDATE users SET password_hash = $1 WHERE id = $2`, hash, id)
}

// PasswordChange is a new password that a user chose who is signed in.
type PasswordChange struct {
	SessionID string // in which they proved the old one
	OldHash   string // that they proved
	NewHash   string
	Renewed   Session   // in which they go on; its UserID is whose password it is
	Now       time.Time // the time of the revocations
	Until     time.Time // how long they are kept: when the last access token issued before Now expires
}

// PasswordChanged is what came of it.
type PasswordChanged struct {
	Done     bool // false: the password was set, or the session ended, or the user was disabled meanwhile, and nothing is changed
	Grants   int  // authorizations that were live
	Sessions EndedSessions
}

// ChangePassword stores a new hash and ends all that the old password began: authorizations, and
// sessions, in place of which there is one new one. It is done only if the session still lives and the
// old password still counts: who resets a password, or ends a thief's session, wins.
func (db *DB) ChangePassword(ctx context.Context, in PasswordChange) (out PasswordChanged, err error) {
	user := in.Renewed.UserID
	err = db.updateDated(ctx, func(tx *sql.Tx) error {
		out = PasswordChanged{}
		if err := db.hold(ctx, tx, "users", user); err != nil {
			return ignoreNoRows(err)
		}
		ids, err := texts(tx.QueryContext(ctx, `SELECT id FROM sessions WHERE user_id = $1 AND EXISTS
			(SELECT 1 FROM users WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL) ORDER BY id`, user, in.OldHash))
		if err != nil || !slices.Contains(ids, in.SessionID) {
			return err
		}
		for _, id := range ids {
			if err := out.Sessions.tell(ctx, tx, id); err != nil {
				return err
			}
		}
		if out.Grants, err = endAll(ctx, tx, user, in.Now, in.Until); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE users SET password_hash = $1 WHERE id = $2`, in.NewHash, user); err != nil {
			return err
		}
		out.Done, err = db.writeSession(ctx, tx, putSession, in.Renewed, in.NewHash)
		return err
	})
	if err != nil {
		return PasswordChanged{}, err
	}
	return out, nil
}

// endAll ends a user's authorizations, and lets nobody stay signed in, no code that is under
// way become an authorization, and no place stay known.
func endAll(ctx context.Context, tx *sql.Tx, user string, now, until time.Time) (ended int, err error) {
	ended, err = endGrants(ctx, tx, GrantFilter{UserID: user, Now: now}, until)
	if err != nil {
		return 0, err
	}
	// Whoever had the old password may have been anywhere: no place stays known.
	for _, table := range []string{"sessions", "codes", "known_places"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE user_id = $1`, user); err != nil {
			return 0, err
		}
	}
	return ended, nil
}

// ReplaceHash swaps the password hash old for hash, if it is still old: after a login whose
// password had to be hashed anew. The user's authorizations go on.
func (db *DB) ReplaceHash(ctx context.Context, id, old, hash string) error {
	n, err := db.write.exec(ctx, `UPDATE users SET password_hash = $1 WHERE id = $2 AND password_hash = $3`, hash, id, old)
	if err == nil && n == 0 {
		_, err = db.User(ctx, id) // a password set meanwhile wins, and is no error
	}
	return err
}

// DisableUser keeps the user from new tokens and ends the authorizations, as SetPassword does. A
// user who is disabled stays so since the first time.
func (db *DB) DisableUser(ctx context.Context, id string, now, until time.Time) (ended int, err error) {
	return db.changeUser(ctx, id, now, until,
		`UPDATE users SET disabled_at = COALESCE(disabled_at, $1) WHERE id = $2`, millis(now), id)
}

// EnableUser lets the user log in again. Authorizations that were ended stay so.
func (db *DB) EnableUser(ctx context.Context, id string) error {
	n, err := db.write.exec(ctx, `UPDATE users SET disabled_at = NULL WHERE id = $1`, id)
	return found(n, err)
}

// DeleteUser removes the user with authorizations and items, and ends the authorizations as
// SetPassword does.
func (db *DB) DeleteUser(ctx context.Context, id string, now, until time.Time) (ended int, err error) {
	return db.changeUser(ctx, id, now, until, `DELETE FROM users WHERE id = $1`, id)
}

// changeUser runs a statement that changes one user and ends the user's authorizations.
func (db *DB) changeUser(ctx context.Context, id string, now, until time.Time, change string, args ...any) (ended int, err error) {
	err = db.updateDated(ctx, func(tx *sql.Tx) error {
		if err := db.hold(ctx, tx, "users", id); err != nil {
			return err
		}
		// First, since a deleted user has no rows left to end.
		if ended, err = endAll(ctx, tx, id, now, until); err != nil {
			return err
		}
		return found(affected(tx.ExecContext(ctx, change, args...)))
	})
	return ended, err
}

// hold keeps row id as it is until tx ends: logins of the user or client wait, and then see what
// became of it.
func (db *DB) hold(ctx context.Context, tx *sql.Tx, table, id string) error {
	var one int
	return tx.QueryRowContext(ctx, db.dialect.words(`SELECT 1 FROM `+table+` WHERE id = $1 /*lock FOR UPDATE*/`), id).Scan(&one)
}

// share keeps others from changing row id, if there is one, until tx ends.
func (db *DB) share(ctx context.Context, tx *sql.Tx, table, id string) error {
	_, err := tx.ExecContext(ctx, db.dialect.words(`SELECT 1 FROM `+table+` WHERE id = $1 /*lock FOR SHARE*/`), id)
	return err
}

// found turns a statement that met no row into ErrNotFound.
func found(rows int, err error) error {
	if err == nil && rows == 0 {
		return ErrNotFound
	}
	return err
}

// LoginKey is the same text for all spellings of a login that UserByLogin takes for one.
func LoginKey(login string) string { return fold(login) }

// fold maps texts that strings.EqualFold finds equal to one text.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}
