package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Code is an authorization code (RFC 6749 §1.3.1) and what it will become.
type Code struct {
	ID               string // SHA-256 of the code, in base64url
	ClientID, UserID string
	GrantID          string // the authorization that it becomes
	Scope            []string
	Audience         []string // of the access tokens; nil: what the server has for all
	RedirectURI      string   // as the request had it; empty: it had none
	Challenge        string   // S256 (RFC 7636 §4.2); empty: none was sent
	Nonce            string
	Claims           string // asked for (OpenID Connect Core §5.5)
	SessionID        string
	AuthTime         time.Time
	CreatedAt        time.Time
	ExpiresAt        time.Time
	UsedAt           time.Time // zero: not yet
}

const codeColumns = `id, client_id, user_id, grant_id, scope, audience, redirect_uri, challenge, nonce, claims, session_id, ` +
	`auth_time, created_at, expires_at, used_at`

func scanCode(row scanner) (c Code, err error) {
	err = row.Scan(&c.ID, &c.ClientID, &c.UserID, &c.GrantID, (*names)(&c.Scope), (*names)(&c.Audience), &c.RedirectURI,
		&c.Challenge, &c.Nonce, &c.Claims, &c.SessionID, instant{&c.AuthTime}, instant{&c.CreatedAt}, instant{&c.ExpiresAt}, instant{&c.UsedAt})
	return c, err
}

// CreateCode adds c if at this moment its session is there and its user's, who is enabled, and its
// client exists. It returns false if not.
func (db *DB) CreateCode(ctx context.Context, c Code) (created bool, err error) {
	n, err := db.write.exec(ctx, `INSERT INTO codes (`+codeColumns+`)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
		WHERE EXISTS (SELECT 1 FROM users WHERE id = $3 AND disabled_at IS NULL /*lock FOR SHARE*/)
		AND EXISTS (SELECT 1 FROM clients WHERE id = $2 /*lock FOR KEY SHARE*/)
		AND EXISTS (SELECT 1 FROM sessions WHERE id = $11 AND user_id = $3 AND expires_at > $13 /*lock FOR SHARE*/)
		ON CONFLICT DO NOTHING`,
		c.ID, c.ClientID, c.UserID, c.GrantID, names(c.Scope), names(c.Audience), c.RedirectURI, c.Challenge, c.Nonce, c.Claims,
		c.SessionID, millis(c.AuthTime), millis(c.CreatedAt), millis(c.ExpiresAt), orNull(millis(c.UsedAt)))
	return n == 1, err
}

const selectCode = `SELECT ` + codeColumns + ` FROM codes WHERE id = $1`

// Code returns the code with that id, used or not, expired or not, or ErrNotFound.
func (db *DB) Code(ctx context.Context, id string) (Code, error) {
	return one(ctx, db.read, scanCode, selectCode, id)
}

// Redemption spends a code.
type Redemption struct {
	ID, ClientID string
	Grant        Grant     // the authorization that it becomes; its ID is the code's GrantID
	Now          time.Time // also the time of a revocation
	Until        time.Time // when the last access token issued before Now expires; for a revocation after a second use
}

// Redeemed is what became of a code.
type Redeemed int

// The outcomes. Only CodeSpent and CodeReplayed change anything.
const (
	CodeUnknown  Redeemed = iota // there is none, or it is another client's
	CodeSpent                    // it became its authorization
	CodeReplayed                 // it was used before: the authorization has been revoked, if it was not before
	CodeExpired
	CodeRefused // the user has been disabled or is gone: it is spent for nothing
)

var redeemed = [...]string{"unknown", "spent", "replayed", "expired", "refused"}

// String returns the name in lower case.
func (r Redeemed) String() string {
	if r < 0 || int(r) >= len(redeemed) {
		return "invalid"
	}
	return redeemed[r]
}

const spendCode = `UPDATE codes SET used_at = $3 WHERE id = $1 AND client_id = $2 AND used_at IS NULL AND expires_at > $3`

// RedeemCode turns a code into its authorization, once: of all callers with the same code one gets
// CodeSpent, and whoever comes later ends that authorization (RFC 6749 §4.1.2). The error is nil for
// every outcome.
func (db *DB) RedeemCode(ctx context.Context, in Redemption) (outcome Redeemed, err error) {
	err = db.updateDated(ctx, func(tx *sql.Tx) error {
		// The others lock in this order, too: user, session, code.
		if err := db.share(ctx, tx, "users", in.Grant.UserID); err != nil {
			return err
		}
		if err := db.share(ctx, tx, "sessions", in.Grant.SessionID); err != nil {
			return err
		}
		n, err := affected(tx.ExecContext(ctx, spendCode, in.ID, in.ClientID, millis(in.Now)))
		if err != nil {
			return err
		}
		if n == 0 {
			outcome, err = refuseCode(ctx, tx, in)
			return err
		}
		n, err = affected(tx.ExecContext(ctx, db.dialect.words(createGrant), in.Grant.args("")...))
		outcome = CodeSpent
		if n == 0 {
			outcome = CodeRefused
		}
		return err
	})
	return outcome, err
}

// refuseCode finds out why a code was not spent. It is locked by nobody: what it finds cannot become
// a code that could be spent.
func refuseCode(ctx context.Context, tx *sql.Tx, in Redemption) (Redeemed, error) {
	c, err := scanCode(tx.QueryRowContext(ctx, selectCode, in.ID))
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && c.ClientID != in.ClientID:
		return CodeUnknown, nil
	case err != nil:
		return CodeUnknown, err
	case c.UsedAt.IsZero():
		return CodeExpired, nil
	}
	_, err = revokeGrant(ctx, tx, c.GrantID, in.Now, in.Until)
	return CodeReplayed, err
}
