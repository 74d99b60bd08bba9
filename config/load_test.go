package config_test

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/config"
)

func TestPrecedence(t *testing.T) {
	file := write(t, "grantd.yaml", "listen: file:1\nops_listen: file:2\ndatabase: sqlite:file\n")
	c, err := config.Load(config.Sources{
		Base:    config.Default(),
		File:    file,
		Environ: []string{"GRANTD_OPS_LISTEN=env:2", "GRANTD_DATABASE=sqlite:env"},
		Flags:   map[string]string{"database": "sqlite:flag"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Listen, want.OpsListen, want.Database = "file:1", "env:2", "sqlite:flag"
	equal(t, c, want)
}

func TestAllProblemsOfAllSourcesAtOnce(t *testing.T) {
	file := write(t, "grantd.yaml", "lisen: x\ntokens:\n  access_ttl: 15\n")
	_, err := config.Load(config.Sources{
		Base:    config.Default(),
		File:    file,
		Environ: []string{"GRANTD_LISTN=x", "GRANTD_SIGNUP_ENABLED=yes"},
		Flags:   map[string]string{"log.lvel": "info", "password.bcrypt_cost": "3"},
	})
	want := fmt.Sprintf(`%[1]s:1: unknown setting "lisen"; did you mean "listen"?
%[1]s:3: tokens.access_ttl: "15" is not a duration; write it with units, such as 30s, 15m or 720h
GRANTD_LISTN: unknown setting; did you mean "GRANTD_LISTEN"?
GRANTD_SIGNUP_ENABLED: "yes" is neither true nor false; write true or false
--log-lvel: unknown flag; did you mean "--log-level"?
--password-bcrypt-cost: "3" is out of range or no whole number; write a number from 4 to 31`, file)
	if got := problems(t, err).Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A file that cannot be read might have set anything: what is said beside it
// would be a guess.
func TestUnreadFileIsTheOnlyProblem(t *testing.T) {
	for name, file := range map[string]string{
		"no file":  filepath.Join(t.TempDir(), "none.yaml"),
		"no YAML":  write(t, "grantd.yaml", "listen: [\n"),
		"no text":  write(t, "grantd.yaml", "listen: \xff\n"),
		"no map":   write(t, "grantd.yaml", "- listen\n"),
		"two maps": write(t, "grantd.yaml", "listen: a:1\n---\nlisten: b:1\n"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(config.Sources{Base: config.Default(), File: file, Environ: []string{"GRANTD_LISTN=x"}})
			var unread config.Unread
			if found := problems(t, err); !errors.As(err, &unread) || len(found) != 1 || !strings.HasPrefix(found[0].Where, file) {
				t.Errorf("%T: %v", err, err)
			}
		})
	}
	_, err := config.Load(config.Sources{Base: config.Default(), File: write(t, "grantd.yaml", "listn: a:1\n")})
	if errors.As(err, new(config.Unread)) {
		t.Errorf("a file with a misspelt key was read: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	pod := "KUBERNETES_SERVICE_HOST=10.0.0.1"
	for _, tc := range []struct {
		name    string
		environ []string
		problem string
	}{
		{"nothing of ours", []string{"HOME=/root", "XGRANTD_FOO=1", "grantd_foo=1"}, ""},
		{"the path of the file", []string{"GRANTD_CONFIG=/etc/grantd.yaml"}, ""},
		{"empty counts as not set", []string{"GRANTD_TOKENS_ACCESS_TTL=", "GRANTD_FOO="}, ""},
		{"unknown", []string{"GRANTD_TOKEN_ACCESS_TTL=1m"}, `did you mean "GRANTD_TOKENS_ACCESS_TTL"?`},
		{"unknown without its group", []string{"GRANTD_REFRESH_TTL=1m"}, `did you mean "GRANTD_TOKENS_REFRESH_TTL"?`},
		{"a flag of another command", []string{"GRANTD_URL=https://api.example.com"}, `GRANTD_URL: unknown setting; give it as a flag of "grantd resource": --url`},
		{"like none", []string{"GRANTD_DEPLOYMENT_STAGE=x"}, `GRANTD_DEPLOYMENT_STAGE: unknown setting; see "grantd serve --help"`},
		{"not even a name", []string{"GRANTD_=x"}, `GRANTD_: unknown setting; see "grantd serve --help"`},
		{"port outside a pod", []string{"GRANTD_PORT=80"}, "GRANTD_PORT: unknown setting"},
		// A Service called grantd put these into its own pods and kept them from starting.
		{"links to a service", []string{pod, "GRANTD_PORT=tcp://10.0.0.9:80", "GRANTD_PORT_80_TCP_ADDR=10.0.0.9",
			"GRANTD_SERVICE_HOST=10.0.0.9", "GRANTD_OPS_SERVICE_PORT_HTTP=80"}, ""},
		{"unknown in a pod", []string{pod, "GRANTD_PORTS=80"}, "GRANTD_PORTS: unknown setting"},
		{"not UTF-8", []string{"GRANTD_ISSUER=\xff"}, "GRANTD_ISSUER: the value is not UTF-8 text"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, problem := loadEnv(t, tc.environ...)
			if tc.problem == "" && problem != "" {
				t.Fatal(problem)
			}
			contains(t, problem, tc.problem)
			equal(t, c, config.Default())
		})
	}
}

// An empty flag was typed, so it counts: it takes a default away.
func TestEmptyFlagCounts(t *testing.T) {
	c, err := config.Load(config.Sources{
		Base:  config.Dev(),
		Flags: map[string]string{"password.default_client": ""},
	})
	if err != nil || c.Password.DefaultClient != "" {
		t.Fatal(c.Password, err)
	}
}

func TestTextForms(t *testing.T) {
	for _, tc := range []struct {
		pair    string
		change  func(*config.Config)
		problem string
	}{
		{"GRANTD_ISSUER= https://a.example\n", func(c *config.Config) { c.Issuer = "https://a.example" }, ""},
		{"GRANTD_TOKENS_SHARED_SECRET= s\n", func(c *config.Config) { c.Tokens.SharedSecret = " s\n" }, ""},
		{"GRANTD_TOKENS_REUSE_GRACE=0", func(c *config.Config) { c.Tokens.ReuseGrace = 0 }, ""},
		{"GRANTD_TOKENS_ACCESS_TTL=1h30m", func(c *config.Config) { c.Tokens.AccessTTL = 90 * time.Minute }, ""},
		{"GRANTD_TOKENS_ACCESS_TTL=-1h", nil, `"-1h" is negative`},
		{"GRANTD_TOKENS_ACCESS_TTL=1d", nil, `"1d" is not a duration`},
		{"GRANTD_SIGNUP_ENABLED=true", func(c *config.Config) { c.Signup.Enabled = true }, ""},
		{"GRANTD_RESOURCES_ENABLED=false", func(c *config.Config) { c.Resources.Enabled = false }, ""},
		{"GRANTD_RESOURCES_ENABLED=1", nil, "write true or false"},
		{"GRANTD_PASSWORD_BCRYPT_COST=4", func(c *config.Config) { c.Password.BcryptCost = 4 }, ""},
		{"GRANTD_PASSWORD_BCRYPT_COST=32", nil, "from 4 to 31"},
		{"GRANTD_PASSWORD_MAX_CONCURRENT_HASHES=0", nil, "from 1 to"},
		{"GRANTD_PASSWORD_MAX_CONCURRENT_HASHES=two", nil, "from 1 to"},
	} {
		c, problem := loadEnv(t, tc.pair)
		checkForm(t, tc.pair, c, problem, tc.change, tc.problem)
	}
}

func TestTrustedProxies(t *testing.T) {
	trust := func(list ...string) func(*config.Config) {
		return func(c *config.Config) {
			for _, s := range list {
				c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(s))
			}
		}
	}
	for _, tc := range []struct {
		text    string
		change  func(*config.Config)
		problem string
	}{
		{"10.0.0.0/8", trust("10.0.0.0/8"), ""},
		{"10.0.0.0/8,fd00::/8 , 192.0.2.7", trust("10.0.0.0/8", "fd00::/8", "192.0.2.7/32"), ""},
		{"::1 ::ffff:192.0.2.7", trust("::1/128", "192.0.2.7/32"), ""},
		{",", trust(), ""},
		{"10.0.0.7/8", nil, "write 10.0.0.0/8 for the network or 10.0.0.7 for the one host"},
		{"10.0.0.0/33", nil, "neither a network nor an address"},
		{"::ffff:10.0.0.0/104", nil, "neither a network nor an address"},
		{"fe80::1%eth0", nil, "neither a network nor an address"},
		{"proxy.internal", nil, "neither a network nor an address"},
	} {
		c, problem := loadEnv(t, "GRANTD_TRUSTED_PROXIES="+tc.text)
		checkForm(t, tc.text, c, problem, tc.change, tc.problem)
	}
}

func TestScopesAsText(t *testing.T) {
	scopes := func(list ...config.Scope) func(*config.Config) {
		return func(c *config.Config) { c.Scopes = list }
	}
	for _, tc := range []struct {
		text    string
		change  func(*config.Config)
		problem string
	}{
		{"items me", scopes(config.Scope{Name: "items", Description: "Read your items"},
			config.Scope{Name: "me", Description: "Read your profile"}), ""},
		{"admin", scopes(config.Scope{Name: "admin"}), ""},
		{"me me", nil, `scope "me" is there twice`},
		{`a"b`, nil, `"a\"b" is not a scope name`},
		{`a\b`, nil, "is not a scope name"},
		{"größe", nil, "is not a scope name"},
	} {
		c, problem := loadEnv(t, "GRANTD_SCOPES="+tc.text)
		checkForm(t, tc.text, c, problem, tc.change, tc.problem)
	}
}

func TestScopesAsTextKeepDescriptionsOfTheFile(t *testing.T) {
	c, err := config.Load(config.Sources{
		Base:    config.Default(),
		File:    write(t, "grantd.yaml", "scopes:\n  me: Know who you are\n  admin: Rule\n"),
		Environ: []string{"GRANTD_SCOPES=admin me items"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Scopes = []config.Scope{{Name: "admin", Description: "Rule"}, {Name: "me", Description: "Know who you are"},
		{Name: "items", Description: "Read your items"}}
	equal(t, c, want)
}

// checkForm expects either the change or the problem, and then no change.
func checkForm(t *testing.T, text string, got config.Config, gotProblem string, change func(*config.Config), problem string) {
	t.Helper()
	t.Run(text, func(t *testing.T) {
		if problem == "" && gotProblem != "" {
			t.Fatal(gotProblem)
		}
		contains(t, gotProblem, problem)
		want := config.Default()
		if change != nil {
			change(&want)
		}
		equal(t, got, want)
	})
}
