package store

import (
	"context"
	"database/sql"
	"time"
)

// Consent is what a user answered when a client asked for access. There is one for each of both.
type Consent struct {
	UserID, ClientID     string
	Granted              []string  // the scopes that the user allows
	Asked                []string  // the questions that were answered, each the scopes that were asked for, parted by spaces
	CreatedAt, UpdatedAt time.Time // of the first answer, of the last
}

const consentColumns = `user_id, client_id, granted, asked, created_at, updated_at`

func scanConsent(row scanner) (c Consent, err error) {
	err = row.Scan(&c.UserID, &c.ClientID, (*names)(&c.Granted), (*names)(&c.Asked), instant{&c.CreatedAt}, instant{&c.UpdatedAt})
	return c, err
}

// Consent returns the answer of a user to a client, or ErrNotFound.
func (db *DB) Consent(ctx context.Context, userID, clientID string) (Consent, error) {
	return one(ctx, db.read, scanConsent,
		`SELECT `+consentColumns+` FROM consents WHERE user_id = $1 AND client_id = $2`, userID, clientID)
}

// Consents returns the answers of a user, by client.
func (db *DB) Consents(ctx context.Context, userID string) ([]Consent, error) {
	return list(ctx, db.read, scanConsent,
		`SELECT `+consentColumns+` FROM consents WHERE user_id = $1 ORDER BY client_id`, userID)
}

// PutConsent remembers an answer that was given in a session, in place of the one before. CreatedAt
// stays the first one's. It returns false if the session has ended, or the user or the client is gone.
func (db *DB) PutConsent(ctx context.Context, c Consent, sessionID string) (put bool, err error) {
	n, err := db.write.exec(ctx, `INSERT INTO consents (`+consentColumns+`) SELECT $1, $2, $3, $4, $5, $6
		WHERE EXISTS (SELECT 1 FROM users WHERE id = $1 /*lock FOR KEY SHARE*/)
		AND EXISTS (SELECT 1 FROM clients WHERE id = $2 /*lock FOR KEY SHARE*/)
		AND EXISTS (SELECT 1 FROM sessions WHERE id = $7 AND user_id = $1 /*lock FOR KEY SHARE*/)
		ON CONFLICT (user_id, client_id) DO UPDATE SET granted = excluded.granted, asked = excluded.asked, updated_at = excluded.updated_at`,
		c.UserID, c.ClientID, names(c.Granted), names(c.Asked), millis(c.CreatedAt), millis(c.UpdatedAt), sessionID)
	return n == 1, err
}

// ForgetConsents ends a user's authorizations of a client, or of all when clientID is empty, and
// forgets what was consented to and the codes under way. It returns how many authorizations were live
// at now. The revocations are kept until until, when the last access token issued before now has
// expired.
func (db *DB) ForgetConsents(ctx context.Context, userID, clientID string, now, until time.Time) (ended int, err error) {
	err = db.updateDated(ctx, func(tx *sql.Tx) error {
		if err := db.hold(ctx, tx, "users", userID); err != nil {
			return ignoreNoRows(err)
		}
		// First the codes: one that is being redeemed has either become an authorization, or is gone.
		for _, table := range []string{"codes", "consents"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE user_id = $1 AND ($2 = '' OR client_id = $2)`, userID, clientID); err != nil {
				return err
			}
		}
		ended, err = endGrants(ctx, tx, GrantFilter{UserID: userID, ClientID: clientID, Now: now}, until)
		return err
	})
	return ended, err
}
