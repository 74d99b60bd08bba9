package config_test

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/grantd/grantd/config"
)

// documented is the table of settings as users read it, in its order.
var documented = []struct{ key, value string }{
	{"issuer", ""},
	{"listen", "127.0.0.1:8000"},
	{"ops_listen", "127.0.0.1:9000"},
	{"shutdown_delay", "5s"},
	{"database", "sqlite:grantd.db"},
	{"database_file", ""},
	{"database_connections", "10"},
	{"master_key_file", ""},
	{"master_key", ""},
	{"tls.cert_file", ""},
	{"tls.key_file", ""},
	{"trusted_proxies", ""},
	{"tokens.access_ttl", "15m"},
	{"tokens.refresh_ttl", "720h"},
	{"tokens.refresh_max_ttl", "2160h"},
	{"tokens.reuse_grace", "30s"},
	{"tokens.signing_alg", "ES256"},
	{"tokens.shared_secret", ""},
	{"tokens.shared_secret_file", ""},
	{"tokens.audience", ""},
	{"tokens.audiences", ""},
	{"sessions.ttl", "12h"},
	{"sessions.max_ttl", "168h"},
	{"scopes", "me items items:write"},
	{"password.bcrypt_cost", "12"},
	{"password.max_concurrent_hashes", strconv.Itoa(runtime.GOMAXPROCS(0))},
	{"password.default_client", ""},
	{"limits.account", "16/12h"},
	{"limits.known_place", "10/1h"},
	{"limits.address", "100/1h"},
	{"limits.signup", "10/1h"},
	{"limits.client", "5000/1s"},
	{"signup.enabled", "false"},
	{"resources.enabled", "true"},
	{"brand.name", ""},
	{"brand.accent", ""},
	{"brand.logo_file", ""},
	{"audit.retention", "2160h"},
	{"audit.routine_retention", "168h"},
	{"pprof.enabled", "false"},
	{"log.level", "info"},
	{"log.format", "json"},
}

func TestSettingsAreTheDocumentedOnes(t *testing.T) {
	settings := config.Settings()
	if len(settings) != len(documented) {
		t.Fatalf("%d settings, %d are documented", len(settings), len(documented))
	}
	for i, want := range documented {
		if got := settings[i]; got.Key != want.key || got.Default != want.value {
			t.Errorf("setting %d is %s = %q, want %s = %q", i, got.Key, got.Default, want.key, want.value)
		}
	}
}

func TestSettingNames(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range config.Settings() {
		for _, name := range []string{s.Key, "--" + s.Flag, s.Env} {
			if seen[name] {
				t.Errorf("%s stands for two settings", name)
			}
			seen[name] = true
		}
		if s.Usage == "" {
			t.Errorf("%s has no usage", s.Key)
		}
	}
	s := setting(t, "tokens.access_ttl")
	if s.Flag != "tokens-access-ttl" || s.Env != "GRANTD_TOKENS_ACCESS_TTL" {
		t.Errorf("names of %s: %s, %s", s.Key, s.Flag, s.Env)
	}
}

func TestSecretsAndBooleansAreMarked(t *testing.T) {
	secret := map[string]bool{"master_key": true, "tokens.shared_secret": true}
	boolean := map[string]bool{"signup.enabled": true, "resources.enabled": true, "pprof.enabled": true}
	for _, s := range config.Settings() {
		if s.Secret != secret[s.Key] || s.Bool != boolean[s.Key] {
			t.Errorf("%s: Secret %v, Bool %v", s.Key, s.Secret, s.Bool)
		}
	}
}

func TestDevDiffersWhereDocumented(t *testing.T) {
	want := config.Default()
	want.ShutdownDelay = 0
	want.Signup.Enabled = true
	want.Password.DefaultClient = "dev"
	want.Limits.Signup, want.Limits.Client = config.Rate{}, config.Rate{}
	want.Log.Format = "text"
	equal(t, config.Dev(), want)
}

func setting(t *testing.T, key string) config.Setting {
	t.Helper()
	for _, s := range config.Settings() {
		if s.Key == key {
			return s
		}
	}
	t.Fatalf("no setting %s", key)
	return config.Setting{}
}
