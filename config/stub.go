// Package config stub: the API that the helper builds.
package config

import (
	"io"
	"net/netip"
	"time"
)

// Config is every setting of the contract §2.
type Config struct {
	Issuer         string
	Listen         string
	OpsListen      string
	Database       string
	MasterKeyFile  string
	MasterKey      string
	TLS            TLS
	TrustedProxies []netip.Prefix
	Tokens         Tokens
	Scopes         []Scope // in the order written
	Password       Password
	Signup         Signup
	Resources      Resources
	Log            Log
}

type TLS struct{ CertFile, KeyFile string }
type Tokens struct {
	AccessTTL, RefreshTTL, RefreshMaxTTL, ReuseGrace time.Duration
	SigningAlg, SharedSecret, Audience               string
}
type Scope struct{ Name, Description string }
type Password struct {
	BcryptCost          int
	MaxConcurrentHashes int
	DefaultClient       string
}
type Signup struct{ Enabled bool }
type Resources struct{ Enabled bool }
type Log struct{ Level, Format string }

// Setting is one leaf, for flags and --print.
type Setting struct {
	Key     string // tokens.access_ttl
	Flag    string // tokens-access-ttl
	Env     string // GRANTD_TOKENS_ACCESS_TTL
	Default string
	Usage   string
	Secret  bool
}

func Settings() []Setting { panic("stub") }

// Default is the contract's defaults; Dev those of "grantd dev".
func Default() Config { panic("stub") }
func Dev() Config     { panic("stub") }

// Sources: weakest first: Base, File, Environ, Flags.
type Sources struct {
	Base    Config
	File    string            // path, "" = none (the caller resolved --config and GRANTD_CONFIG)
	Environ []string          // os.Environ()
	Flags   map[string]string // by Setting.Key, only those given
}

// Load merges. The error, if any, is Problems: everything that is wrong, in one go.
func Load(s Sources) (Config, error) { panic("stub") }

// Problems lists all that is wrong.
type Problems []Problem
type Problem struct{ Where, What, Remedy string }

func (p Problems) Error() string { panic("stub") }

// Check says everything that makes c unsafe or incomplete for "grantd serve".
func (c Config) Check() error { panic("stub") }

// Master decodes the 32-byte master key from MasterKeyFile or MasterKey.
func (c Config) Master() ([]byte, error) { panic("stub") }

// Print writes the effective settings as YAML that Load reads again, secrets masked.
func (c Config) Print(w io.Writer) error { panic("stub") }

// Example is the commented example file, embedded.
func Example() string { panic("stub") }
