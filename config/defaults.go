package config

import (
	"runtime"
	"time"
)

// Default is the settings of a fresh installation. Check refuses them: the
// issuer and the master key have no safe default.
func Default() Config {
	return Config{
		Listen:    "127.0.0.1:8000",
		OpsListen: "127.0.0.1:9000",
		Database:  "sqlite:grantd.db",

		ShutdownDelay: 5 * time.Second,

		DatabaseConnections: 10,

		Tokens: Tokens{
			AccessTTL:     15 * time.Minute,
			RefreshTTL:    30 * 24 * time.Hour,
			RefreshMaxTTL: 90 * 24 * time.Hour,
			ReuseGrace:    30 * time.Second,
			SigningAlg:    "ES256",
		},
		Sessions: Sessions{TTL: 12 * time.Hour, MaxTTL: 7 * 24 * time.Hour},
		Scopes:   defaultScopes(),
		Password: Password{
			BcryptCost: 12,
			// Honours the CPU limit of a container, which NumCPU does not.
			MaxConcurrentHashes: runtime.GOMAXPROCS(0),
		},
		Limits: Limits{
			Account:    Rate{16, 12 * time.Hour},
			KnownPlace: Rate{10, time.Hour},
			Address:    Rate{100, time.Hour},
			Signup:     Rate{10, time.Hour},
			Client:     Rate{5000, time.Second},
		},
		Resources: Resources{Enabled: true},
		Audit:     Audit{Retention: 90 * 24 * time.Hour, RoutineRetention: 7 * 24 * time.Hour},
		Log:       Log{Level: "info", Format: "json"},
	}
}

// Dev is the settings that "grantd dev" starts from. It has no issuer: the
// caller makes it from the address it listens on.
func Dev() Config {
	c := Default()
	c.ShutdownDelay = 0 // somebody waits for their prompt
	c.Signup.Enabled = true
	c.Password.DefaultClient = "dev"
	c.Limits.Signup, c.Limits.Client = Rate{}, Rate{} // tests make users by the dozen, and see how fast it is
	c.Log.Format = "text"
	return c
}

// Resource is the settings that "grantd resource" starts from. It listens beside a
// server on the same machine.
func Resource() Config {
	c := Default()
	c.Listen = "127.0.0.1:8001"
	c.OpsListen = "127.0.0.1:9001"
	return c
}

func defaultScopes() []Scope {
	return []Scope{
		{"me", "Read your profile"},
		{"items", "Read your items"},
		{"items:write", "Create items in your name"},
	}
}
