// Package store stub: the API that the helper builds.
package store

import (
	"context"
	"errors"
	"time"
)

type DB struct{}

var (
	// ErrNotFound: no such row.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable is wrapped by every fault of the database itself: locked, full, read-only, corrupt, gone.
	ErrUnavailable = errors.New("database unavailable")
)

// TakenError says which unique field is taken: "username", "email", "client_id", "item_id".
type TakenError struct{ Field string }

func (e *TakenError) Error() string { panic("stub") }

// SchemaError: the database is at schema Have, this program needs Want.
type SchemaError struct{ Have, Want int64 }

func (e *SchemaError) Error() string { panic("stub") }

// Open opens "sqlite:PATH". It does not migrate.
func Open(ctx context.Context, url string) (*DB, error)                { panic("stub") }
func (db *DB) Close() error                                            { panic("stub") }
func (db *DB) Migrate(ctx context.Context) (from, to int64, err error) { panic("stub") }
func (db *DB) CheckSchema(ctx context.Context) error                   { panic("stub") } // *SchemaError when behind or ahead
func (db *DB) Ready(ctx context.Context) error                         { panic("stub") } // can be read and written now

// User is a resource owner. Scopes: what the user may grant; nil means all. DisabledAt zero: enabled.
type User struct {
	ID, Username, Email, FullName, PasswordHash string
	Scopes                                      []string
	CreatedAt, DisabledAt                       time.Time
}

func (db *DB) CreateUser(ctx context.Context, u User) error                       { panic("stub") } // *TakenError
func (db *DB) User(ctx context.Context, id string) (User, error)                  { panic("stub") }
func (db *DB) UserByLogin(ctx context.Context, login string) (User, error)        { panic("stub") } // username or email, any letter case
func (db *DB) Users(ctx context.Context, after string, limit int) ([]User, error) { panic("stub") } // by username

// SetPassword stores hash and ends the user's authorizations.
func (db *DB) SetPassword(ctx context.Context, id, hash string, now, until time.Time) (ended int, err error) {
	panic("stub")
}

// ReplaceHash swaps old for hash if it is still old (rehash after login); authorizations go on.
func (db *DB) ReplaceHash(ctx context.Context, id, old, hash string) error { panic("stub") }
func (db *DB) DisableUser(ctx context.Context, id string, now, until time.Time) (ended int, err error) {
	panic("stub")
}
func (db *DB) EnableUser(ctx context.Context, id string) error { panic("stub") }
func (db *DB) DeleteUser(ctx context.Context, id string, now, until time.Time) (ended int, err error) {
	panic("stub")
}

// Client. SecretHash nil: public.
type Client struct {
	ID, Name              string
	SecretHash            []byte // SHA-256 of the secret
	Grants                []string
	Scopes, DefaultScopes []string
	RedirectURIs          []string
	Introspect            bool
	CreatedAt             time.Time
}

func (db *DB) CreateClient(ctx context.Context, c Client) error                       { panic("stub") }
func (db *DB) Client(ctx context.Context, id string) (Client, error)                  { panic("stub") }
func (db *DB) Clients(ctx context.Context, after string, limit int) ([]Client, error) { panic("stub") }
func (db *DB) SetClientSecret(ctx context.Context, id string, hash []byte) error      { panic("stub") }
func (db *DB) DeleteClient(ctx context.Context, id string, now, until time.Time) (ended int, err error) {
	panic("stub")
}

// Grant is one authorization.
type Grant struct {
	ID, ClientID, UserID                                    string
	Scope                                                   []string
	Generation                                              int64
	AuthTime, CreatedAt, RotatedAt, ExpiresAt, MaxExpiresAt time.Time
	RevokedAt                                               time.Time // zero: live
}

// CreateGrant inserts g if, in the same statement, the client exists and the user exists, is enabled and still has passwordHash.
func (db *DB) CreateGrant(ctx context.Context, g Grant, passwordHash string) (created bool, err error) {
	panic("stub")
}
func (db *DB) Grant(ctx context.Context, id string) (Grant, error) { panic("stub") }

type GrantFilter struct {
	UserID, ClientID string // both empty: all
	After            string // grant id
	Limit            int
	Now              time.Time // live ones only
}

func (db *DB) Grants(ctx context.Context, f GrantFilter) ([]Grant, error) { panic("stub") }
func (db *DB) RevokeGrant(ctx context.Context, id string, now, until time.Time) (revoked bool, err error) {
	panic("stub")
}
func (db *DB) RevokeGrants(ctx context.Context, f GrantFilter, until time.Time) (ended int, err error) {
	panic("stub")
}

type Outcome int

const (
	Unknown Outcome = iota // no such authorization
	Rotated
	Repeated
	Reused
	Revoked
	Expired
	Foreign // belongs to another client or user; nothing was changed
)

func (o Outcome) String() string { panic("stub") }

type Rotation struct {
	ID, ClientID, UserID string
	Generation           int64 // of the presented token
	Now                  time.Time
	IdleTTL, Grace       time.Duration
	Until                time.Time // when the last access token issued before Now expires; for a revocation after reuse
}

type RotateResult struct {
	Outcome Outcome
	Grant   Grant // as it is now
}

func (db *DB) RotateGrant(ctx context.Context, in Rotation) (RotateResult, error) { panic("stub") }

type RevocationKind string

const (
	RevokedGrant  RevocationKind = "grant"
	RevokedToken  RevocationKind = "token"
	RevokedClient RevocationKind = "client"
)

type Revocation struct {
	Kind      RevocationKind
	ID        string
	RevokedAt time.Time
	ExpiresAt time.Time
}

func (db *DB) RevokeToken(ctx context.Context, jti string, now, until time.Time) error { panic("stub") }

// Revocations made at or after since that have not expired at now.
func (db *DB) Revocations(ctx context.Context, since, now time.Time) ([]Revocation, error) {
	panic("stub")
}

type SigningKey struct {
	ID, Alg             string
	Public, Sealed      []byte
	CreatedAt, SignFrom time.Time
}

func (db *DB) AddSigningKey(ctx context.Context, k SigningKey) error { panic("stub") }

// AddFirstSigningKey adds k unless a key of its Alg exists.
func (db *DB) AddFirstSigningKey(ctx context.Context, k SigningKey) (added bool, err error) {
	panic("stub")
}
func (db *DB) SigningKeys(ctx context.Context) ([]SigningKey, error) { panic("stub") } // by SignFrom

type Item struct {
	ID        string
	CreatedAt time.Time
}

func (db *DB) AddItem(ctx context.Context, userID string, it Item) error { panic("stub") } // *TakenError{"item_id"}
func (db *DB) Items(ctx context.Context, userID, after string, limit int) ([]Item, error) {
	panic("stub")
}

// Sweep: one bounded batch.
type Sweep struct {
	Now     time.Time
	KeyLife time.Duration // how long after its successor began to sign a key is still needed
	Batch   int           // rows at most per table and call; zero means 500
	Cursor  string        // where the walk over grants goes on
}

type Swept struct {
	Deleted int
	Cursor  string // "" when the walk over grants has come round
}

func (db *DB) Sweep(ctx context.Context, in Sweep) (Swept, error) { panic("stub") }
