package config_test

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/config"
)

func TestFile(t *testing.T) {
	want := config.Default()
	want.Issuer = "https://auth.example.com"
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32")}
	want.Tokens.AccessTTL = 5 * time.Minute
	want.Scopes = []config.Scope{{Name: "z", Description: "Last letter, first scope"}, {Name: "items:write"}, {Name: "a", Description: "1"}}
	want.Password.BcryptCost = 10
	want.Signup.Enabled = true
	for name, yaml := range map[string]string{
		"block style": `
issuer: https://auth.example.com
trusted_proxies:
  - 10.0.0.0/8
  - 192.0.2.7
tokens:
  access_ttl: 5m
scopes:
  z: Last letter, first scope
  items:write:
  a: 1
password:
  bcrypt_cost: 10
signup:
  enabled: true
`,
		"flow style": `{issuer: "https://auth.example.com", trusted_proxies: "10.0.0.0/8, 192.0.2.7", tokens: {access_ttl: 5m},
scopes: {z: "Last letter, first scope", "items:write": , a: 1}, password: {bcrypt_cost: '10'}, signup: {enabled: true}}`,
		"dotted keys": `
issuer: https://auth.example.com
trusted_proxies: [10.0.0.0/8 192.0.2.7]
tokens.access_ttl: 5m
scopes: {z: "Last letter, first scope", "items:write": "", a: 1}
password.bcrypt_cost: 10
signup.enabled: true
`,
	} {
		t.Run(name, func(t *testing.T) {
			c, problem := loadYAML(t, yaml)
			if problem != "" {
				t.Fatal(problem)
			}
			equal(t, c, want)
		})
	}
}

func TestFileWithoutValues(t *testing.T) {
	for name, yaml := range map[string]string{
		"empty":           "",
		"comments":        "# nothing\n",
		"document start":  "---\n",
		"null":            "~",
		"byte order mark": "\ufefflisten: 127.0.0.1:8000\n",
		"empty settings":  "issuer:\nscopes:\ntrusted_proxies: ~\npassword:\n  bcrypt_cost: null\n",
		"empty groups":    "tls:\n  #cert_file: x\ntokens: {}\n",
	} {
		t.Run(name, func(t *testing.T) {
			c, problem := loadYAML(t, yaml)
			if problem != "" {
				t.Fatal(problem)
			}
			equal(t, c, config.Default())
		})
	}
}

func TestFileProblems(t *testing.T) {
	for _, tc := range []struct{ name, yaml, problem string }{
		{"unknown key", "\ntokens:\n  acess_ttl: 1m\n",
			`grantd.yaml:3: unknown setting "tokens.acess_ttl"; did you mean "tokens.access_ttl"?`},
		{"unknown group", "token:\n  access_ttl: 1m\n",
			`grantd.yaml:1: unknown setting "token"; did you mean "tokens"?`},
		{"key outside its group", "access_ttl: 1m\n",
			`grantd.yaml:1: unknown setting "access_ttl"; did you mean "tokens.access_ttl"?`},
		{"flag name as key", "master-key-file: x\n",
			`grantd.yaml:1: unknown setting "master-key-file"; did you mean "master_key_file"?`},
		{"endless key", strings.Repeat("x", 1000) + ": 1\n",
			`grantd.yaml:1: unknown setting "` + strings.Repeat("x", 64) + `…"; did you mean`},
		{"key twice", "listen: a:1\nlisten: b:2\n",
			"grantd.yaml:2: listen is there twice, first in line 1; remove one"},
		{"key twice, once dotted", "signup: {enabled: true}\nsignup.enabled: true\n",
			"grantd.yaml:2: signup.enabled is there twice, first in line 1"},
		{"group twice", "tls:\n  cert_file: a\ntls:\n  key_file: b\n",
			"grantd.yaml:3: tls is there twice, first in line 1"},
		{"list for text", "listen: [a]\n",
			"grantd.yaml:1: listen is a list, where text is due; write one value"},
		{"map for text", "listen:\n  host: a\n",
			"grantd.yaml:2: listen is a map, where text is due"},
		{"list for scopes", "scopes: [me]\n",
			"grantd.yaml:1: scopes is a list, where text is due"},
		{"map for a list", "trusted_proxies: {a: b}\n",
			"grantd.yaml:1: trusted_proxies is a map, where text is due"},
		{"list in a list", "trusted_proxies: [[a]]\n",
			"grantd.yaml:1: an entry of trusted_proxies is a list, where text is due"},
		{"text for a group", "tokens: 15m\n",
			"grantd.yaml:1: tokens is a group of settings, not a value"},
		{"list as key", "? [a]\n: b\n", "grantd.yaml:1: a key is a list, where text is due"},
		{"list as scope", "scopes:\n  ? [a]\n  : b\n", "grantd.yaml:2: a scope name is a list"},
		{"map as description", "scopes:\n  me: {de: Ich}\n", "grantd.yaml:2: a description of scopes is a map"},
		{"scope twice", "scopes:\n  me: a\n  me: b\n", `grantd.yaml:3: scope "me" is there twice`},
		{"bad scope name", "scopes:\n  \"m e\": a\n", `grantd.yaml:2: "m e" is not a scope name`},
		{"too many scopes", "scopes:\n" + manyScopes(2000), "the names of all scopes together are over 4096 bytes"},
		{"bad value", "listen: a:1\ntokens:\n  access_ttl: soon\n",
			`grantd.yaml:3: tokens.access_ttl: "soon" is not a duration`},
		{"long value", "tokens:\n  access_ttl: " + strings.Repeat("9", 200) + "\n",
			`"` + strings.Repeat("9", 80) + `…" is not a duration`},
		{"anchor", "listen: &a b:1\n", "grantd.yaml:1: YAML anchors, aliases and tags are not allowed here"},
		{"alias", "listen: &a b:1\nops_listen: *a\n", "grantd.yaml:2: YAML anchors, aliases and tags are not allowed here"},
		{"alias in a list", "trusted_proxies: [&a 10.0.0.7, *a]\n", "grantd.yaml:1: YAML anchors"},
		{"merge", "tls: &a {cert_file: x}\ntokens:\n  <<: *a\n", "grantd.yaml:3: YAML anchors"},
		{"tag", "listen: !!str a:1\n", "grantd.yaml:1: YAML anchors, aliases and tags"},
		{"bomb", bomb(), "grantd.yaml:1: YAML anchors"},
		{"alias without anchor", "listen: *a\n",
			"grantd.yaml: an alias stands where a value is due; put the value in quotes if it begins with *, & or !"},
		{"syntax", "tokens:\n\taccess_ttl: 1m\n", "grantd.yaml:2: the file is not valid YAML: "},
		{"control character", "listen: \x01\n", "grantd.yaml: the file is not valid YAML: control characters are not allowed"},
		{"deep nesting", strings.Repeat("[", 100_000), "the file is not valid YAML"},
		{"list as document", "- listen\n", "grantd.yaml:1: the file is not a map of settings"},
		{"text as document", "listen=1\n", "grantd.yaml:1: the file is not a map of settings"},
		{"second document", "listen: a:1\n---\nlisten: b:1\n", "grantd.yaml:2: a second YAML document begins"},
		{"second document broken", "listen: a:1\n---\n]\n", "the file is not valid YAML"},
		{"UTF-16", "\xff\xfel\x00", "grantd.yaml: the file is not UTF-8 text; save it as UTF-8"},
		{"over 1 MiB", strings.Repeat("#", 1<<20+1), "grantd.yaml: the file is over 1048576 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, problem := loadYAML(t, tc.yaml)
			contains(t, problem, tc.problem)
		})
	}
}

func TestFileOfOneMiBIsRead(t *testing.T) {
	if _, problem := loadYAML(t, "#"+strings.Repeat("x", 1<<20-2)+"\n"); problem != "" {
		t.Fatal(problem)
	}
}

func TestFileThatIsNoConfigurationEndsSoon(t *testing.T) {
	for name, yaml := range map[string]string{
		"keys":   strings.Repeat("x: 1\n", 100_000),
		"scopes": "scopes:\n" + manyScopes(50_000),
	} {
		t.Run(name, func(t *testing.T) {
			_, problem := loadYAML(t, yaml)
			contains(t, problem, "\ngrantd.yaml: there may be more problems; correct these first")
			if n := strings.Count(problem, "\n"); n != 50 {
				t.Errorf("%d lines", n+1)
			}
		})
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{
		"missing":   filepath.Join(dir, "none.yaml"),
		"directory": dir,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(config.Sources{Base: config.Default(), File: path})
			contains(t, problems(t, err).Error(), path+": cannot ", "--config or GRANTD_CONFIG")
		})
	}
}

// Two commands that start from the same defaults must not meet in a slice.
func TestBaseIsNotChanged(t *testing.T) {
	base := config.Default()
	_, err := config.Load(config.Sources{Base: base, Environ: []string{"GRANTD_SCOPES=x", "GRANTD_TRUSTED_PROXIES=::1"}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, base, config.Default())
}

func manyScopes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  s%d: x\n", i)
	}
	return b.String()
}

// bomb is nine levels of nine aliases.
func bomb() string {
	b := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'j'; c++ {
		alias := fmt.Sprintf("*%c", c-1)
		b += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.Join([]string{alias, alias, alias, alias, alias, alias, alias, alias, alias}, ", "))
	}
	return b
}
