// Package scopes stub: the API that the helper builds.
package scopes

import (
	"context"
	"net/http"
	"time"
)

// Set is an ordered set of scope names (RFC 6749 §3.3). The zero value is the empty set.
type Set []string

// MaxSetBytes bounds what Parse reads (4096).
const MaxSetBytes = 4096

// Parse reads a scope string: names of RFC 6749 §3.3 grammar parted by single spaces. A name given twice counts once (first place kept); "" is the empty set.
func Parse(s string) (Set, error) { panic("stub") }

// ValidName reports whether name is a scope-token.
func ValidName(name string) bool { panic("stub") }

func (s Set) String() string          { panic("stub") }
func (s Set) Has(name string) bool    { panic("stub") }
func (s Set) Contains(other Set) bool { panic("stub") } // every name of other
func (s Set) Equal(other Set) bool    { panic("stub") } // same names, whatever the order
func (s Set) Intersect(other Set) Set { panic("stub") } // names of s that other has too, in the order of s
func (s Set) Minus(other Set) Set     { panic("stub") } // names of s that other lacks

// Key is a key that verifies access tokens. Its algorithm is pinned.
type Key struct {
	ID  string
	Alg string // ES256, EdDSA, RS256, HS256
	Key any    // *ecdsa.PublicKey, ed25519.PublicKey, *rsa.PublicKey, []byte
}

// KeySource finds keys by id. (static, remote JWKS, and the server's own key ring implement it)
type KeySource interface {
	Key(ctx context.Context, kid string) (Key, error)
}

// Claims of a valid access token (RFC 9068 §2.2).
type Claims struct {
	Issuer, Subject, ClientID, ID string
	// GrantID names the authorization (claim gid); empty for client_credentials.
	GrantID                       string
	Audience                      []string
	Scope                         Set
	IssuedAt, ExpiresAt, AuthTime time.Time
}

// VerifierOptions ...
type VerifierOptions struct {
	Issuer   string
	Audience string
	Keys     KeySource
	Leeway   time.Duration      // zero means 60 s
	Now      func() time.Time   // nil means time.Now
	Revoked  func(*Claims) bool // nil means nothing is revoked
}

type Verifier struct{}

func NewVerifier(o VerifierOptions) (*Verifier, error)                        { panic("stub") }
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) { panic("stub") }

// Guard enforces scopes in front of handlers.
type Guard struct {
	Verifier         *Verifier
	Realm            string
	ResourceMetadata string // URL, RFC 9728 §5.1
}

// Require is middleware (net/http, gorilla/mux).
func (g *Guard) Require(names ...string) func(http.Handler) http.Handler { panic("stub") }

// FromContext gives the claims that Require verified.
func FromContext(ctx context.Context) (*Claims, bool) { panic("stub") }

// ErrorCode etc. are for the helper to design: Error{Kind, ...}.
