package main

import (
	"net/netip"
	"testing"

	"github.com/grantd/grantd/config"
)

func TestOneAddress(t *testing.T) {
	behind := config.Default()
	behind.Issuer = "https://auth.example.com"
	if !oneAddress(behind) {
		t.Error("nobody is told that a proxy hides everybody")
	}
	for name, change := range map[string]func(*config.Config){
		"on loopback":      func(c *config.Config) { c.Issuer = "http://127.0.0.1:8000" },
		"https of its own": func(c *config.Config) { c.TLS.CertFile = "tls.crt" },
		"trusted":          func(c *config.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} },
		"not counted":      func(c *config.Config) { c.Limits.Address = config.Rate{} },
	} {
		cfg := behind
		change(&cfg)
		if oneAddress(cfg) {
			t.Errorf("%s: a warning", name)
		}
	}
}
