package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantd/grantd/config"
)

// FuzzLoadFile reads any bytes as a file. What loads is printed, and loads
// again to the same.
func FuzzLoadFile(f *testing.F) {
	f.Add([]byte(config.Example()))
	f.Add([]byte(bomb()))
	for _, seed := range []string{"", "---\n...\n", "tokens: {access_ttl: 1m}", "scopes: {a: b, ? [c] : d}", "{master_key:x}",
		"listen: |\n  a\n", "? listen\n: x", "trusted_proxies: [::1, 10.0.0.0/8]", "a: *b", "!!map {}", "tokens.access_ttl: 1h"} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "grantd.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(config.Sources{Base: config.Default(), File: path})
		if err != nil {
			problems(t, err)
			return
		}
		_ = c.CheckValues()
		comesBack(t, c)
	})
}

// FuzzText reads any text as the value of any setting.
func FuzzText(f *testing.F) {
	for i, s := range documented {
		f.Add(uint8(i), s.value)
	}
	f.Add(uint8(8), "10.0.0.0/8,::1")
	f.Add(uint8(16), "~ <<")
	f.Add(uint8(25), "10/15m")
	f.Add(uint8(25), " 1/1h0m0.5s")
	f.Add(uint8(26), "off")
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		key := documented[int(which)%len(documented)].key
		c, err := config.Load(config.Sources{Base: config.Default(), Flags: map[string]string{key: text}})
		if err != nil {
			problems(t, err)
			return
		}
		_ = c.CheckValues()
		comesBack(t, c)
	})
}

// comesBack checks that Load reads what Print writes, but for what is masked.
func comesBack(t *testing.T, c config.Config) {
	t.Helper()
	again, problem := loadYAML(t, printOf(t, c))
	if problem != "" {
		t.Fatalf("%s\n%s", problem, printOf(t, c))
	}
	again.MasterKey, again.Tokens.SharedSecret = c.MasterKey, c.Tokens.SharedSecret
	if again.Database != config.MaskDatabase(c.Database) {
		t.Fatalf("database %q became %q", config.MaskDatabase(c.Database), again.Database)
	}
	again.Database = c.Database
	if len(c.Scopes) == 0 {
		again.Scopes = c.Scopes // nil or empty
	}
	equal(t, again, c)
}

// FuzzSecrets surrounds a secret with what may make YAML or a URL misread it.
func FuzzSecrets(f *testing.F) {
	for _, seed := range []string{"", "*", "&", "!", "{", "[", "'", `"`, "|", "%", "@", ": ", "#", "{a: ", "- ", "? ", "\x00", "\xff"} {
		f.Add(seed, "")
		f.Add(seed, seed)
		f.Add("", seed)
		f.Add("@", seed)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "hunter2hunter2"
		value := before + secret + after
		hidden := func(where, text string) {
			if strings.Contains(text, secret) {
				t.Fatalf("%s shows the secret of %q:\n%s", where, value, text)
			}
		}
		for _, database := range databasesWith(value) {
			hidden("MaskDatabase", config.MaskDatabase(database))
			if err := config.CheckDatabase(database); err != nil {
				hidden("CheckDatabase", err.Error())
			}
		}
		if strings.ContainsAny(value, "\n\r\u0085\u2028\u2029") {
			return // the rest of the secret is on a line of its own, and a key
		}
		for _, group := range []string{"master_key: ", "tokens:\n  shared_secret: "} {
			c, problem := loadYAML(t, group+value+"\n")
			hidden("Load", problem)
			if err := c.Check(); err != nil {
				hidden("Check", err.Error())
			}
			hidden("Print", printOf(t, c))
		}
	})
}

// databasesWith are settings in which value is the password, or meant to be.
func databasesWith(value string) []string {
	urls := []string{"postgres://user:" + value + "@host/db", "postgres://user%3A" + value + "@host/db", "user=u password=" + value}
	if !strings.Contains(value, "&") { // or a parameter of any name follows
		for _, key := range []string{"password", "p%61ssword", "Password", "sslpassword", "options", "search_path"} {
			urls = append(urls, "postgres://user@host/db?sslmode=require&"+key+"="+value)
		}
	}
	if !strings.ContainsAny(value, "@/?,") { // or a host, a path or parameters follow
		urls = append(urls, "postgres://user:"+value, "postgres://user:"+value+"/db", "postgres://user:"+value+",host/db",
			"postgres://user%3A"+value+"/db", "postgres://user:"+value+"?sslmode=require")
	}
	return urls
}
