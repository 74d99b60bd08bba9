package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificateFiles are those of a self-made certificate.
type certificateFiles struct{ cert, key string }

// write replaces the files as a tool that renews certificates does, and sets
// their time.
func (f certificateFiles) write(t *testing.T, name string, modified time.Time) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, f.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), modified)
	replaceFile(t, f.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), modified)
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func replaceFile(t *testing.T, path string, content []byte, modified time.Time) {
	t.Helper()
	if err := errors.Join(
		os.WriteFile(path+".new", content, 0o600), os.Chtimes(path+".new", modified, modified), os.Rename(path+".new", path),
	); err != nil {
		t.Fatal(err)
	}
}

// served is the name in the certificate of the next handshake, whose issuer is
// trusted, and the protocol spoken.
func served(t *testing.T, s *process, trusted ...*x509.Certificate) (name, protocol string) {
	t.Helper()
	pool := x509.NewCertPool()
	for _, c := range trusted {
		pool.AddCert(c)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: patience}).Get(strings.Replace(s.URL, "http:", "https:", 1) + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d", resp.StatusCode)
	}
	return resp.TLS.PeerCertificates[0].Subject.CommonName, resp.Proto
}

// A certificate is replaced while the server runs: the next handshake has it,
// also when its files are older than the ones before. What cannot be read changes
// nothing and is logged once.
func TestServeFollowsItsCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := certificateFiles{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	now := time.Now()
	first := files.write(t, "first", now)
	s := newProcess("serve", "--migrate", "--issuer", "https://127.0.0.1", "--database", "sqlite:"+filepath.Join(dir, "grantd.db"),
		"--tls-cert-file", files.cert, "--tls-key-file", files.key)
	s.cmd.Env = settings("GRANTD_MASTER_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "GRANTD_PASSWORD_BCRYPT_COST=10")
	s.run(t)
	if name, protocol := served(t, s, first); name != "first" || protocol != "HTTP/2.0" {
		t.Errorf("%s over %s", name, protocol)
	}
	second := files.write(t, "second", now.Add(time.Minute))
	if name, _ := served(t, s, second); name != "second" {
		t.Errorf("%s after the second was written", name)
	}
	older := files.write(t, "older", now.Add(-time.Hour))
	if name, _ := served(t, s, older); name != "older" {
		t.Errorf("%s after older files were put in place", name)
	}
	replaceFile(t, files.cert, []byte("half a certif"), now)
	for range 3 {
		if name, _ := served(t, s, older); name != "older" {
			t.Errorf("%s while the file cannot be read", name)
		}
	}
	if n := strings.Count(s.Log.String(), "was not reloaded"); n != 1 {
		t.Errorf("logged %d times: %s", n, s.Log.String())
	}
	last := files.write(t, "last", now)
	if name, _ := served(t, s, last); name != "last" {
		t.Errorf("%s after it was mended", name)
	}
	wantStatus(t, "plain http", s.get("/", ""), 400, "HTTPS")
	s.mustStop(t)
}

func TestServeRefusesABadCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := certificateFiles{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	args := []string{"dev", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--tls-cert-file", files.cert}
	status, _, stderr := grantd(t, "", args...)
	wantFailure(t, status, stderr, "tls.key_file: tls.cert_file is set without it; set both")
	args = append(args, "--tls-key-file", files.key)
	status, _, stderr = grantd(t, "", args...)
	wantFailure(t, status, stderr, "no such file", "name a readable PEM certificate and its key")
	files.write(t, "one", time.Now())
	other := certificateFiles{filepath.Join(dir, "other.pem"), files.key}
	other.write(t, "another", time.Now())
	status, _, stderr = grantd(t, "", args...)
	wantFailure(t, status, stderr, "private key does not match public key")
}
