package config

import (
	"crypto/tls"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Check says everything that makes c unsafe or incomplete for "grantd serve",
// in one go. It reads the master key and the certificate, and nothing else. The
// error, if any, is Problems.
func (c Config) Check() error {
	p := c.checkServing("this server")
	if _, err := c.Master(); err != nil {
		p = append(p, err.(Problems)...)
	}
	return p.err()
}

// checkServing is what all that serves in production has in common.
func (c Config) checkServing(issuer string) (p Problems) {
	if c.Issuer == "" {
		p.add("issuer", "no issuer is set", "set it to the https URL of "+issuer+", such as https://auth.example.com")
	}
	c.checkProxies(&p)
	c.checkValues(&p, 10, 16)
	return p
}

// CheckValues is Check for "grantd dev": neither issuer nor master key need be
// there, and any cost of bcrypt will do.
func (c Config) CheckValues() error {
	var p Problems
	c.checkValues(&p, 4, 31)
	return p.err()
}

// checkValues allows costs of bcrypt from leastCost to mostCost.
func (c Config) checkValues(p *Problems, leastCost, mostCost int) {
	checkURL(p, "issuer", c.Issuer)
	checkListeners(p, c.Listen, c.OpsListen)
	if c.ShutdownDelay < 0 || c.ShutdownDelay > time.Minute {
		p.add("shutdown_delay", "it is "+formatDuration(c.ShutdownDelay), "set it between 0s and 1m, such as 5s")
	}
	checkDatabase(p, c.Database)
	if c.DatabaseConnections < 1 {
		p.add("database_connections", fmt.Sprintf("it is %d", c.DatabaseConnections), "set it to 1 or more, such as 10")
	}
	c.TLS.check(p)
	c.Tokens.check(p)
	c.Sessions.check(p)
	c.Audit.check(p)
	c.Brand.check(p)
	checkScopes(p, c.Scopes)
	c.Password.check(p, leastCost, mostCost)
	oneOf(p, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf(p, "log.format", c.Log.Format, "json", "text")
}

// checkProxies refuses to believe everybody: then any client can choose the
// address under which it is logged and limited.
func (c Config) checkProxies(p *Problems) {
	for _, network := range c.TrustedProxies {
		if network.Bits() == 0 {
			p.add("trusted_proxies", network.String()+" trusts every client", "list the addresses of your proxies only")
		}
	}
}

func (t TLS) check(p *Problems) {
	switch {
	case t.CertFile == "" && t.KeyFile == "":
	case t.KeyFile == "":
		p.add("tls.key_file", "tls.cert_file is set without it", "set both, or none and serve https with a proxy")
	case t.CertFile == "":
		p.add("tls.cert_file", "tls.key_file is set without it", "set both, or none and serve https with a proxy")
	case readByOthers(t.KeyFile):
		p.add("tls.key_file", "other users may read or write "+strconv.Quote(t.KeyFile), "run: chmod o-rwx "+t.KeyFile)
	default:
		if _, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
			p.add("tls", err.Error(), "name a readable PEM certificate and its key")
		}
	}
}

// readByOthers leaves the group alone: certificates often come with one of
// their own.
func readByOthers(path string) bool {
	info, err := os.Stat(path)
	return err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0
}

func (t Tokens) check(p *Problems) {
	if t.AccessTTL < time.Second || t.AccessTTL > 24*time.Hour {
		p.add("tokens.access_ttl", "it is "+formatDuration(t.AccessTTL), "set it between 1s and 24h, such as 15m")
	}
	if t.RefreshTTL <= t.AccessTTL {
		p.add("tokens.refresh_ttl", "it is not longer than tokens.access_ttl", "set it longer, such as 720h")
	}
	if t.RefreshMaxTTL < t.RefreshTTL {
		p.add("tokens.refresh_max_ttl", "it is shorter than tokens.refresh_ttl", "set it to that or longer, such as 2160h")
	}
	if t.ReuseGrace < 0 || t.ReuseGrace > 10*time.Minute {
		p.add("tokens.reuse_grace", "it is "+formatDuration(t.ReuseGrace), "set it between 0s and 10m, such as 30s")
	}
	oneOf(p, "tokens.signing_alg", t.SigningAlg, "ES256", "EdDSA", "RS256", "HS256")
	t.checkSecret(p)
	t.checkAudiences(p)
}

func (t Tokens) checkSecret(p *Problems) {
	const key, least = "tokens.shared_secret", 32
	switch {
	case t.SigningAlg != "HS256" && t.SharedSecret != "":
		p.add(key, "it is set, but tokens.signing_alg is not HS256", "remove it, or set tokens.signing_alg to HS256")
	case t.SigningAlg != "HS256":
	case len(t.SharedSecret) < least:
		p.add(key, "HS256 needs at least 32 bytes", "make one with: head -c 32 /dev/urandom | base64")
	case strings.TrimSpace(t.SharedSecret) != t.SharedSecret:
		// Another service that trims the same file would refuse every token.
		p.add(key, "it begins or ends with white space", "remove that, also a newline at the end")
	}
}

func checkScopes(p *Problems, list []Scope) {
	if len(list) == 0 {
		p.add("scopes", "no scope is set", "name at least one, such as me")
	}
	var good []Scope
	for _, s := range list {
		var err error
		good, err = addScope(good, s)
		p.addError("scopes", err)
	}
}

func (w Password) check(p *Problems, leastCost, mostCost int) {
	if w.BcryptCost < leastCost || w.BcryptCost > mostCost {
		p.add("password.bcrypt_cost", fmt.Sprintf("it is %d", w.BcryptCost),
			fmt.Sprintf("set it between %d and %d, such as 12", leastCost, mostCost))
	}
	if w.MaxConcurrentHashes < 1 {
		p.add("password.max_concurrent_hashes", fmt.Sprintf("it is %d", w.MaxConcurrentHashes), "set it to 1 or more")
	}
}

func oneOf(p *Problems, key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		p.add(key, quote(value)+" is not known", "set it to one of: "+strings.Join(allowed, ", "))
	}
}
