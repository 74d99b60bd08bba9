package config_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/grantd/grantd/config"
)

func TestCheckResource(t *testing.T) {
	good := config.Resource()
	good.Issuer = "https://login.example.com"
	for _, c := range []struct {
		name, url string
		change    func(*config.Config)
		want      string // the URL of the router, or what is wrong
	}{
		{"the issuer is the URL", "", func(*config.Config) {}, "https://login.example.com"},
		{"9728-1.2 the audience is the URL", "", func(c *config.Config) { c.Tokens.Audience = "https://api.example.com/v1" }, "https://api.example.com/v1"},
		{"an audience that is a name", "", func(c *config.Config) { c.Tokens.Audience = "reports" }, "https://login.example.com"},
		{"an audience that is a URN", "", func(c *config.Config) { c.Tokens.Audience = "urn:example:api" }, "https://login.example.com"},
		{"a URL given", "https://api.example.com", func(c *config.Config) { c.Tokens.Audience = "https://x.example.com/?" }, "https://api.example.com"},
		{"no issuer", "", func(c *config.Config) { c.Issuer = "" }, "issuer: no issuer is set"},
		{"http elsewhere", "", func(c *config.Config) { c.Issuer = "http://login.example.com" }, "issuer: it is http on a host that is not loopback"},
		{"9728-1.2 an audience with a fragment", "", func(c *config.Config) { c.Tokens.Audience = "https://api.example.com#x" },
			"tokens.audience: as the URL of the resource router: it has a fragment"},
		{"a URL that is http", "http://api.example.com", func(*config.Config) {}, "--url: it is http on a host that is not loopback"},
		{"a URL that is none", "api", func(*config.Config) {}, "--url: it is not an absolute URL"},
		{"the server's pages", "", func(c *config.Config) {
			c.Brand, c.Sessions, c.Tokens.Audiences = config.Brand{Name: "\n", Accent: "red", LogoFile: "/nowhere"}, config.Sessions{}, []string{"api"}
		}, "https://login.example.com"},
		{"the master key", "", func(c *config.Config) { c.MasterKey = "secret" }, "master_key: the resource router signs nothing"},
		{"the path of the master key", "", func(c *config.Config) { c.MasterKeyFile = "/nowhere" }, "master_key_file: the resource router signs nothing"},
		{"a key that is shared", "", func(c *config.Config) {
			c.Tokens.SigningAlg, c.Tokens.SharedSecret = "HS256", strings.Repeat("x", 32)
		}, "tokens.signing_alg: the key of HS256 is published nowhere"},
		{"a key that is too short, which the server would tell", "", func(c *config.Config) {
			c.Tokens.SigningAlg, c.Tokens.SharedSecret = "HS256", ""
		}, "tokens.signing_alg: the key of HS256 is published nowhere; have the server sign with ES256"},
		{"everybody a proxy", "", func(c *config.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} }, "trusted_proxies: 0.0.0.0/0 trusts every client"},
		{"a cheap hash", "", func(c *config.Config) { c.Password.BcryptCost = 4 }, "password.bcrypt_cost: it is 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := good
			c.change(&cfg)
			err := cfg.CheckResource(c.url)
			got := cfg.ResourceURL(c.url)
			if err != nil {
				got = err.Error()
			}
			if isURL := strings.HasPrefix(c.want, "https:"); isURL != (err == nil) || !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n") {
				t.Errorf("%q, want %q alone", got, c.want)
			}
		})
	}
}
