package main

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/config"
)

// A command revokes without the server's settings: what it leaves in the
// database has to last for the longest-lived token that those can allow.
func TestRevocationsOutliveEveryToken(t *testing.T) {
	t.Parallel()
	cfg := config.Dev()
	cfg.Tokens.AccessTTL = longestAccess
	if cfg.CheckValues() == nil {
		t.Errorf("the settings allow tokens of %s", longestAccess)
	}
	now := time.Unix(1_800_000_000, 0)
	cfg.Tokens.AccessTTL = longestAccess - 2*time.Minute
	if err := cfg.CheckValues(); err != nil || until(now).Before(now.Add(cfg.Tokens.AccessTTL)) {
		t.Errorf("%v; remembered until %v", err, until(now))
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"127.0.0.1:8000": true, "127.9.9.9:1": true, "[::1]:8000": true, "[::ffff:127.0.0.1]:80": true,
		"0.0.0.0:8000": false, "[::]:8000": false, "192.0.2.1:8000": false,
	} {
		if got := isLoopback(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

// Whoever opens the demo to the network is told what that means.
func TestDevWarnsOnOpenAddress(t *testing.T) {
	t.Parallel()
	s := newProcess("dev")
	s.cmd.Args = append(s.cmd.Args, "--listen", "0.0.0.0:0", "--demo-listen", "0.0.0.0:0")
	s.run(t)
	s.mustStop(t)
	if !strings.Contains(s.Log.String(), `level=WARN msg="others can reach this server, and everybody knows the passwords of the demo;`) {
		t.Error(s.Log.String())
	}
	if !strings.Contains(s.Log.String(), `level=WARN msg="others can reach the demo app,`) {
		t.Error(s.Log.String())
	}
}

func TestDevIssuer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ listens, certificate, want string }{
		{"127.0.0.1:8000", "", "http://127.0.0.1:8000"},
		{"0.0.0.0:8000", "", "http://127.0.0.1:8000"},
		{"[::]:8000", "", "http://127.0.0.1:8000"},
		{"[::1]:8000", "", "http://[::1]:8000"},
		{"127.0.0.1:80", "", "http://127.0.0.1"},
		{"[::1]:443", "cert.pem", "https://[::1]"},
		{"192.0.2.1:8443", "cert.pem", "https://192.0.2.1:8443"},
	} {
		cfg := config.Dev()
		cfg.TLS.CertFile = c.certificate
		cfg.Issuer = devIssuer(cfg, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.listens)))
		if cfg.Issuer != c.want {
			t.Errorf("%s: %s, want %s", c.listens, cfg.Issuer, c.want)
		}
		cfg.TLS.CertFile = ""
		if err := cfg.CheckValues(); err != nil {
			t.Errorf("%s is refused: %v", cfg.Issuer, err)
		}
	}
}
