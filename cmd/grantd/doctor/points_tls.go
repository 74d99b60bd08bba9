package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// noTLS says why there is nothing to look at, nil if there is.
func (e *exam) noTLS() error {
	if e.issuer.Scheme == "http" {
		return reason("the issuer is plain http, so there is no TLS to look at")
	}
	return nil
}

// address is where the server listens.
func (e *exam) address() string {
	if e.issuer.Port() != "" {
		return e.issuer.Host
	}
	return net.JoinHostPort(e.issuer.Hostname(), "443")
}

// shake does a handshake that offers these versions. It says nothing after it.
func (e *exam) shake(ctx context.Context, config *tls.Config) (state tls.ConnectionState, err error) {
	if err := e.count(ctx); err != nil {
		return state, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.Patience)
	defer cancel()
	config.ServerName = e.issuer.Hostname()
	dialer := tls.Dialer{Config: config}
	c, err := dialer.DialContext(ctx, "tcp", e.address())
	if err != nil {
		return state, err
	}
	state = c.(*tls.Conn).ConnectionState()
	return state, c.Close()
}

func tlsCertificate(ctx context.Context, e *exam) verdict {
	if err := e.noTLS(); err != nil {
		return because(err)
	}
	state, err := e.shake(ctx, &tls.Config{RootCAs: e.Roots})
	var invalid *tls.CertificateVerificationError
	switch {
	case errors.As(err, &invalid):
		return fails("%v; nothing more is asked. Trust a certificate of your own with --ca-file", invalid.Err)
	case err != nil:
		return because(err)
	}
	leaf := state.PeerCertificates[0]
	return ok("of %s, until %s", issuedBy(leaf), leaf.NotAfter.UTC().Format(time.DateOnly))
}

func issuedBy(leaf *x509.Certificate) string {
	if name := leaf.Issuer.CommonName; name != "" {
		return name
	}
	return strings.Join(leaf.Issuer.Organization, " ")
}

func tlsVersion(ctx context.Context, e *exam) verdict {
	if err := e.noTLS(); err != nil {
		return because(err)
	}
	// Nothing is said in it, so it need not be known whom it is with.
	old := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	state, err := e.shake(ctx, old)
	var network *net.OpError
	switch {
	case err == nil:
		return fails("%s is spoken", tls.VersionName(state.Version))
	case ctx.Err() != nil || errors.As(err, &network) && network.Op == "dial":
		return because(err)
	case e.secure == nil:
		return unknown("no newer version is spoken either")
	}
	return ok("%s is spoken, 1.1 and older are refused", tls.VersionName(e.secure.Version))
}

// plainHTTP asks at the same host over plain http. The request has no secret.
func plainHTTP(ctx context.Context, e *exam) verdict {
	if err := e.noTLS(); err != nil {
		return because(err)
	}
	if err := e.needs("token_endpoint", false, false, false); err != nil {
		return because(err)
	}
	u, err := url.Parse(e.metadata.str("token_endpoint"))
	if err != nil {
		return because(err)
	}
	u.Scheme = "http"
	r, err := e.send(ctx, http.MethodPost, u, url.Values{"grant_type": {"refresh_token"}}, nil, nil)
	switch {
	case ctx.Err() != nil:
		return because(ctx.Err())
	case err != nil:
		return ok("nobody answers there")
	case r.str("error") != "" || r.str("access_token") != "":
		return fails("it is answered there: %s", r.says())
	}
	return ok("%s there", statusText(r.status))
}

func hsts(ctx context.Context, e *exam) verdict {
	if err := e.noTLS(); err != nil {
		return because(err)
	}
	r, err := e.page(ctx)
	if err != nil {
		return because(err)
	}
	if header := r.header.Get("Strict-Transport-Security"); header != "" {
		return ok("%s", clip(header, 80))
	}
	return fails("no Strict-Transport-Security")
}
