// Package config holds the settings of grantd: one struct, filled from
// defaults, a YAML file, the environment and flags, in rising order of
// strength. Whatever is wrong in any of them is reported in one go.
package config

import (
	"net/netip"
	"time"
)

// Config is every setting of grantd. Default gives the values of a fresh
// installation; the zero Config is not usable.
type Config struct {
	// Issuer is the URL that names this server in every token. It has no
	// trailing slash. "grantd dev" derives it from Listen when it is empty.
	Issuer string

	// Listen is the address of the public endpoints, host:port.
	Listen string

	// OpsListen is the address of /healthz, /readyz and /metrics, and of the profiles where Pprof
	// serves them.
	OpsListen string

	// ShutdownDelay is how long a server that was told to stop goes on, with
	// /readyz failing, so that balancers send requests elsewhere first.
	ShutdownDelay time.Duration

	// Database is "sqlite:PATH" or "postgres://…". It may hold a password: show
	// it through MaskDatabase only.
	Database string

	// DatabaseFile is the path of a file that holds Database, which Load fills in from it.
	DatabaseFile string

	// DatabaseConnections is how many connections to PostgreSQL serve requests
	// at most.
	DatabaseConnections int

	// MasterKeyFile is the path of a file that holds the master key, and
	// MasterKey the key itself, in base64. Exactly one is set; see Master.
	MasterKeyFile string
	MasterKey     string

	credentials string // the folder of systemd's credentials

	TLS TLS

	// TrustedProxies are the networks whose X-Forwarded-For and
	// X-Forwarded-Proto count. None means that no proxy is believed.
	TrustedProxies []netip.Prefix

	Tokens   Tokens
	Sessions Sessions

	// Scopes are the only scopes that exist, in the order written.
	Scopes []Scope

	Password  Password
	Limits    Limits
	Signup    Signup
	Resources Resources
	Brand     Brand
	Audit     Audit
	Pprof     Pprof
	Log       Log
}

// Audit says how long the audit log keeps what.
type Audit struct {
	// Retention is how long decisions are kept. Zero means for good.
	Retention time.Duration

	// RoutineRetention is how long refreshes and tokens of client_credentials are kept. Zero means
	// not at all: the log has them.
	RoutineRetention time.Duration
}

// TLS names the certificate with which the public listener serves https
// itself. Both paths are set, or none.
type TLS struct{ CertFile, KeyFile string }

// Tokens says how long tokens live and how they are signed.
type Tokens struct {
	// AccessTTL is the life of an access token.
	AccessTTL time.Duration

	// RefreshTTL is the idle life of a refresh token; each rotation starts
	// it anew.
	RefreshTTL time.Duration

	// RefreshMaxTTL is the absolute life of one authorization.
	RefreshMaxTTL time.Duration

	// ReuseGrace is how long a repeat of the last rotation is answered
	// instead of punished. Zero punishes at once.
	ReuseGrace time.Duration

	// SigningAlg signs access tokens: ES256, EdDSA, RS256 or HS256.
	SigningAlg string

	// SharedSecret is the key of HS256, verbatim; empty for all others.
	SharedSecret string

	// SharedSecretFile is the path of a file that holds SharedSecret, which Load fills in from it.
	SharedSecretFile string

	// Audience is the aud of access tokens. Empty means the issuer.
	Audience string

	// Audiences are the other values of aud that apps may ask for by the
	// parameter resource (RFC 8707 §2).
	Audiences []string
}

// Sessions says how long browsers stay signed in: TTL when they are not used,
// MaxTTL at most.
type Sessions struct{ TTL, MaxTTL time.Duration }

// Scope is one scope (RFC 6749 §3.3) and what people are told about it.
type Scope struct{ Name, Description string }

// Password says how passwords are hashed and who may log in with them.
type Password struct {
	// BcryptCost is the base-2 logarithm of the rounds of bcrypt.
	BcryptCost int

	// MaxConcurrentHashes bounds the passwords hashed at the same time.
	MaxConcurrentHashes int

	// DefaultClient is the client taken for a password request that names
	// none. Empty means that such a request is refused.
	DefaultClient string
}

// Signup says whether strangers may register at POST /users/.
type Signup struct{ Enabled bool }

// Resources says whether the built-in resource router is served.
type Resources struct{ Enabled bool }

// Brand says what the pages look like that people see. Its zero value is
// grantd's own look.
type Brand struct {
	// Name is the name of the service that people sign in to.
	Name string

	// Accent is the colour of buttons and links, #rrggbb.
	Accent string

	// LogoFile is the path of an image; see Logo.
	LogoFile string
}

// Pprof says whether Go's profiles are served, at OpsListen only.
type Pprof struct{ Enabled bool }

// Log says what is logged: Level debug, info, warn or error; Format json or
// text.
type Log struct{ Level, Format string }
