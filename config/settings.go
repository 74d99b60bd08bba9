package config

import (
	"net/netip"
	"strings"
	"time"
)

// Setting is one leaf, for flags and --print.
type Setting struct {
	Key     string // tokens.access_ttl
	Flag    string // tokens-access-ttl
	Env     string // GRANTD_TOKENS_ACCESS_TTL
	Default string // in text form, as Load reads it
	Usage   string // a phrase for --help
	Secret  bool   // its value is never shown
	Bool    bool   // its flag may stand alone, meaning true
}

// Settings lists every setting in the order of the documentation.
func Settings() []Setting {
	fresh := Default()
	list := make([]Setting, len(table))
	for i, l := range table {
		list[i] = Setting{
			Key:     l.key,
			Flag:    flagName(l.key),
			Env:     envName(l.key),
			Default: l.get(&fresh),
			Usage:   l.usage,
			Secret:  l.secret,
			Bool:    l.tag == boolTag,
		}
	}
	return list
}

// table is where files, environment, flags, defaults and Print meet: a setting
// is added here, in Config, and in example.yaml.
var table = []leaf{
	bind("issuer", "https URL that names this server in tokens; http only on loopback",
		text, func(c *Config) *string { return &c.Issuer }),
	bind("listen", "address of the public endpoints",
		text, func(c *Config) *string { return &c.Listen }),
	bind("ops_listen", "address of /healthz, /readyz and /metrics, for operators only",
		text, func(c *Config) *string { return &c.OpsListen }),
	bind("shutdown_delay", "how long to go on after SIGTERM, with /readyz failing, so that balancers notice",
		duration, func(c *Config) *time.Duration { return &c.ShutdownDelay }),
	bind("database", "sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME",
		text, func(c *Config) *string { return &c.Database }).shownAs(MaskDatabase),
	bind("database_file", "file that holds the setting database, mode 0600",
		text, func(c *Config) *string { return &c.DatabaseFile }).shownAs(showPath),
	bind("database_connections", "connections to PostgreSQL for requests; two more watch for revocations",
		number(1, 1<<12), func(c *Config) *int { return &c.DatabaseConnections }),
	bind("master_key_file", "file that holds the master key, mode 0600",
		text, func(c *Config) *string { return &c.MasterKeyFile }).shownAs(showPath),
	bind("master_key", "the master key itself, 32 random bytes in base64",
		verbatim, func(c *Config) *string { return &c.MasterKey }).hidden(),
	bind("tls.cert_file", "certificate chain (PEM) to serve https with",
		text, func(c *Config) *string { return &c.TLS.CertFile }),
	bind("tls.key_file", "private key (PEM) of tls.cert_file",
		text, func(c *Config) *string { return &c.TLS.KeyFile }),
	bind("trusted_proxies", "networks whose X-Forwarded-For and -Proto count",
		prefixes, func(c *Config) *[]netip.Prefix { return &c.TrustedProxies }),
	bind("tokens.access_ttl", "life of an access token",
		duration, func(c *Config) *time.Duration { return &c.Tokens.AccessTTL }),
	bind("tokens.refresh_ttl", "idle life of a refresh token, slides at each rotation",
		duration, func(c *Config) *time.Duration { return &c.Tokens.RefreshTTL }),
	bind("tokens.refresh_max_ttl", "absolute life of one authorization",
		duration, func(c *Config) *time.Duration { return &c.Tokens.RefreshMaxTTL }),
	bind("tokens.reuse_grace", "how long a repeat of the last rotation is answered, not punished",
		duration, func(c *Config) *time.Duration { return &c.Tokens.ReuseGrace }),
	bind("tokens.signing_alg", "ES256, EdDSA, RS256, or HS256 with tokens.shared_secret",
		text, func(c *Config) *string { return &c.Tokens.SigningAlg }),
	bind("tokens.shared_secret", "key of HS256, at least 32 bytes",
		verbatim, func(c *Config) *string { return &c.Tokens.SharedSecret }).hidden(),
	bind("tokens.shared_secret_file", "file that holds the key of HS256, mode 0600",
		text, func(c *Config) *string { return &c.Tokens.SharedSecretFile }).shownAs(showPath),
	bind("tokens.audience", "aud of access tokens; the issuer when empty",
		text, func(c *Config) *string { return &c.Tokens.Audience }),
	bind("tokens.audiences", "other audiences that apps may ask for by the parameter resource (RFC 8707)",
		wordList, func(c *Config) *[]string { return &c.Tokens.Audiences }),
	bind("sessions.ttl", "how long a browser that is not used stays signed in",
		duration, func(c *Config) *time.Duration { return &c.Sessions.TTL }),
	bind("sessions.max_ttl", "how long a browser stays signed in at most",
		duration, func(c *Config) *time.Duration { return &c.Sessions.MaxTTL }),
	scopesLeaf("scopes", "names of the only scopes that exist, parted by spaces"),
	bind("password.bcrypt_cost", "cost of password hashes",
		number(4, 31), func(c *Config) *int { return &c.Password.BcryptCost }),
	bind("password.max_concurrent_hashes", "passwords hashed at the same time; more logins wait",
		number(1, 1<<16), func(c *Config) *int { return &c.Password.MaxConcurrentHashes }),
	bind("password.default_client", "client taken for a password request that names none",
		text, func(c *Config) *string { return &c.Password.DefaultClient }),
	bind("limits.account", "wrong passwords for an account from where its user never logged in, such as 16/12h, or off",
		rate, func(c *Config) *Rate { return &c.Limits.Account }),
	bind("limits.known_place", "wrong passwords for an account from an address, or in a browser, where its user has logged in",
		rate, func(c *Config) *Rate { return &c.Limits.KnownPlace }),
	bind("limits.address", "wrong passwords from one address, for whatever accounts",
		rate, func(c *Config) *Rate { return &c.Limits.Address }),
	bind("limits.signup", "users who sign up from one address",
		rate, func(c *Config) *Rate { return &c.Limits.Signup }),
	bind("limits.client", "requests of one client to /token, /refresh, /introspect and /revoke of this server",
		rate, func(c *Config) *Rate { return &c.Limits.Client }),
	bind("signup.enabled", "let strangers register at POST /users/",
		truth, func(c *Config) *bool { return &c.Signup.Enabled }),
	bind("resources.enabled", "serve the built-in resource router",
		truth, func(c *Config) *bool { return &c.Resources.Enabled }),
	bind("brand.name", "name of the service, on the pages that people see; grantd when empty",
		text, func(c *Config) *string { return &c.Brand.Name }),
	bind("brand.accent", "colour of buttons and links on the pages, #rrggbb",
		text, func(c *Config) *string { return &c.Brand.Accent }),
	bind("brand.logo_file", "image on the pages: PNG, SVG, JPEG or WebP, up to 256 KiB",
		text, func(c *Config) *string { return &c.Brand.LogoFile }),
	bind("audit.retention", "how long the audit log keeps decisions; 0s for good",
		duration, func(c *Config) *time.Duration { return &c.Audit.Retention }),
	bind("audit.routine_retention", "how long it keeps refreshes and tokens of client_credentials; 0s leaves them to the log",
		duration, func(c *Config) *time.Duration { return &c.Audit.RoutineRetention }),
	bind("pprof.enabled", "serve Go's profiles under /debug/pprof/ of ops_listen",
		truth, func(c *Config) *bool { return &c.Pprof.Enabled }),
	bind("log.level", "debug, info, warn or error",
		text, func(c *Config) *string { return &c.Log.Level }),
	bind("log.format", "json or text",
		text, func(c *Config) *string { return &c.Log.Format }),
}

func flagName(key string) string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(key)
}

func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}
