package bench

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// onLoopback is a server on this machine, and no other: load is for one's own.
func onLoopback(ctx context.Context, issuer string) (to target, err error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
		return to, errors.New("the issuer is no URL such as http://127.0.0.1:8000")
	}
	addresses, err := net.DefaultResolver.LookupIPAddr(ctx, u.Hostname())
	if err != nil {
		return to, err
	}
	for _, a := range addresses {
		if !a.IP.IsLoopback() {
			return to, fmt.Errorf("%s is not on this machine alone (%s): only servers on loopback are put under load; run grantd bench where the server runs", u.Hostname(), a.IP)
		}
	}
	to = target{url: u}
	port := u.Port()
	if u.Scheme == "https" {
		to.tls = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		if port == "" {
			port = "443"
		}
	} else if port == "" {
		port = "80"
	}
	to.address, err = answering(ctx, addresses, port)
	return to, err
}

// answering is the first of the addresses that takes connections: localhost is often two.
func answering(ctx context.Context, addresses []net.IPAddr, port string) (string, error) {
	var errs []error
	for _, a := range addresses {
		address := net.JoinHostPort(a.String(), port)
		c, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", address)
		if err == nil {
			return address, c.Close()
		}
		errs = append(errs, err)
	}
	return "", fmt.Errorf("%w; start the server first", errors.Join(errs...))
}

// discover finds the endpoints in the server's metadata (RFC 8414 §3).
func (s *scene) discover(ctx context.Context) error {
	c := s.conn(ctx)
	defer c.close()
	path := strings.TrimSuffix(s.url.Path, "/")
	body, err := c.ask(s.get("/.well-known/oauth-authorization-server"+path, ""), "")
	if err != nil {
		return fmt.Errorf("its metadata: %w", err)
	}
	var metadata struct {
		Issuer     string
		Token      string `json:"token_endpoint"`
		Introspect string `json:"introspection_endpoint"`
	}
	if err := json.Unmarshal(body, &metadata); err != nil {
		return errors.New("its metadata are no JSON")
	}
	// RFC 8414 §3.3: the issuer is the one that was asked.
	if metadata.Issuer != s.url.String() {
		return fmt.Errorf("it calls itself %.200q; name it so", metadata.Issuer)
	}
	s.me = path + "/users/me/"
	if s.token, err = s.pathOf(metadata.Token); err != nil {
		return err
	}
	if s.service == "" {
		return nil
	}
	s.introspect, err = s.pathOf(metadata.Introspect)
	return err
}

// pathOf is the path of an endpoint, which has to be on the same server: no other was found to be on this machine.
func (s *scene) pathOf(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != s.url.Scheme || u.Host != s.url.Host {
		return "", fmt.Errorf("its metadata name the endpoint %.200q, which is not on the same server", endpoint)
	}
	return u.RequestURI(), nil
}
