package store

import (
	"context"
	"database/sql"
	"slices"
	"time"
)

// Client is an application that asks for tokens.
type Client struct {
	ID, Name              string
	SecretHash            []byte   // SHA-256 of the secret; nil: a public client
	Grants                []string // grant types that it may use
	Scopes, DefaultScopes []string // what it may ask for; what it gets when it asks for nothing
	RedirectURIs          []string
	Introspect            bool // may introspect
	CreatedAt             time.Time

	Kind           string   // what sort of app it is, such as WebClient; empty: none was said
	FirstParty     bool     // nobody is asked for consent
	PKCEOptional   bool     // may ask for a code without a challenge
	RequiredScopes []string // that nobody can leave out when they consent
	Origins        []string // whose scripts may read what the server answers
	LogoutURIs     []string // where people may be sent after they signed out
	BackchannelURI string   // is told when a session ends; empty: nobody is
	IDTokenAlg     string   // signs its ID tokens; empty: RS256

	OldSecretHash  []byte // of the secret before, which is good until OldSecretUntil; nil: there is none
	OldSecretUntil time.Time
}

// Kinds of clients.
const (
	WebClient        = "web"         // runs on a server, keeps a secret
	NativeClient     = "native"      // runs on a phone or a desktop
	SinglePageClient = "single-page" // runs in a browser
)

const clientColumns = `id, name, secret_hash, grants, scopes, default_scopes, redirect_uris, introspect, created_at, ` +
	`kind, first_party, pkce_optional, required_scopes, origins, logout_uris, backchannel_uri, id_token_alg, old_secret_hash, old_secret_until`

func scanClient(row scanner) (c Client, err error) {
	err = row.Scan(&c.ID, &c.Name, &c.SecretHash, (*names)(&c.Grants), (*names)(&c.Scopes),
		(*names)(&c.DefaultScopes), (*names)(&c.RedirectURIs), &c.Introspect, instant{&c.CreatedAt},
		&c.Kind, &c.FirstParty, &c.PKCEOptional, (*names)(&c.RequiredScopes), (*names)(&c.Origins), (*names)(&c.LogoutURIs),
		&c.BackchannelURI, &c.IDTokenAlg, &c.OldSecretHash, instant{&c.OldSecretUntil})
	return c, err
}

// CreateClient adds c, or returns a *TakenError. The id may be one that was deleted: revocations
// of that time stay and concern tokens issued before.
func (db *DB) CreateClient(ctx context.Context, c Client) error {
	n, err := db.write.exec(ctx, `INSERT INTO clients (`+clientColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT DO NOTHING`,
		c.ID, c.Name, secret(c.SecretHash), names(c.Grants), names(c.Scopes),
		names(c.DefaultScopes), names(c.RedirectURIs), bit(c.Introspect), millis(c.CreatedAt),
		c.Kind, bit(c.FirstParty), bit(c.PKCEOptional), names(c.RequiredScopes), names(c.Origins), names(c.LogoutURIs),
		c.BackchannelURI, c.IDTokenAlg, secret(c.OldSecretHash), orNull(millis(c.OldSecretUntil)))
	return notTaken("client_id", n, err)
}

// Client returns the client with that id, or ErrNotFound.
func (db *DB) Client(ctx context.Context, id string) (Client, error) {
	return one(ctx, db.read, scanClient, `SELECT `+clientColumns+` FROM clients WHERE id = $1`, id)
}

// Clients returns clients by id, beginning behind the id after. A limit of zero means all.
func (db *DB) Clients(ctx context.Context, after string, limit int) ([]Client, error) {
	return list(ctx, db.read, scanClient,
		`SELECT `+clientColumns+` FROM clients WHERE id > $1 ORDER BY id LIMIT $2`, after, atMost(limit))
}

// Origins returns the origins of all clients, each once.
func (db *DB) Origins(ctx context.Context) ([]string, error) {
	lists, err := list(ctx, db.read, scanNames, `SELECT origins FROM clients WHERE origins NOT IN ('null', '[]') ORDER BY id`)
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all), err
}

func scanNames(row scanner) (n []string, err error) {
	err = row.Scan((*names)(&n))
	return n, err
}

// SetClientSecret stores the hash of a new secret; nil makes the client a public one. The one before
// is good no more. That it changed is told with the revocations until until, to who keeps copies of clients.
func (db *DB) SetClientSecret(ctx context.Context, id string, hash []byte, now, until time.Time) error {
	return db.changeSecret(ctx, id, now, until, `UPDATE clients SET secret_hash = $1, old_secret_hash = NULL, old_secret_until = NULL
		WHERE id = $2`, secret(hash), id)
}

// ReplaceClientSecret is SetClientSecret that leaves the secret before good until oldUntil. The one
// before that is good no more: a client has two at most.
func (db *DB) ReplaceClientSecret(ctx context.Context, id string, hash []byte, oldUntil, now, until time.Time) error {
	return db.changeSecret(ctx, id, now, until, `UPDATE clients SET secret_hash = $1, old_secret_hash = secret_hash, old_secret_until = $3
		WHERE id = $2`, secret(hash), id, millis(oldUntil))
}

// DropOldSecret ends at once what ReplaceClientSecret has left good.
func (db *DB) DropOldSecret(ctx context.Context, id string, now, until time.Time) error {
	return db.changeSecret(ctx, id, now, until, `UPDATE clients SET old_secret_hash = NULL, old_secret_until = NULL WHERE id = $1`, id)
}

func (db *DB) changeSecret(ctx context.Context, id string, now, until time.Time, change string, args ...any) error {
	return db.updateDated(ctx, func(tx *sql.Tx) error {
		if err := found(affected(tx.ExecContext(ctx, change, args...))); err != nil {
			return err
		}
		return revoke(ctx, tx, ChangedClient, id, now, until)
	})
}

// DeleteClient removes the client with its authorizations and returns how many were live at now.
// Revocations of the client and of each authorization are kept until until, when the last access
// token issued before now has expired.
func (db *DB) DeleteClient(ctx context.Context, id string, now, until time.Time) (ended int, err error) {
	err = db.updateDated(ctx, func(tx *sql.Tx) error {
		if err := db.hold(ctx, tx, "clients", id); err != nil {
			return err
		}
		ended, err = endGrants(ctx, tx, GrantFilter{ClientID: id, Now: now}, until)
		if err != nil {
			return err
		}
		// Its own tokens (client_credentials) belong to no authorization.
		if err := revoke(ctx, tx, RevokedClient, id, now, until); err != nil {
			return err
		}
		return found(affected(tx.ExecContext(ctx, `DELETE FROM clients WHERE id = $1`, id)))
	})
	return ended, err
}

// secret is NULL when there is none: an empty hash must not become a secret.
func secret(hash []byte) any {
	if len(hash) == 0 {
		return nil
	}
	return hash
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// notTaken turns an INSERT that met a row of the same name into a *TakenError.
func notTaken(field string, rows int, err error) error {
	if err == nil && rows == 0 {
		return &TakenError{Field: field}
	}
	return err
}
