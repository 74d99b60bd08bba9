package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// The addresses are those of docs/deploy/haproxy.cfg, in a network of the test's own.
const (
	balancerHost = "10"
	clientHost   = "99"
)

var replicaHosts = []string{"11", "12", "13"}

// balancer is HAProxy as docs/deploy/haproxy.cfg sets it up, and its replicas.
type balancer struct {
	t           *testing.T
	network     string // such as "127.7.7.", all of which is loopback
	public, ops int    // ports of the replicas
	url         string
	trusted     *x509.CertPool
	env         []string
	database    *pgtest.Network // on the way to it
	replicas    []*process
	log         buffer
}

// startBalancer starts it before three replicas on one PostgreSQL.
func startBalancer(t *testing.T) *balancer {
	t.Helper()
	database := pgtest.URL(t)
	b := &balancer{t: t, network: fmt.Sprintf("127.%d.%d.", 1+rand.IntN(254), rand.IntN(256)), database: pgtest.Proxy(t, database)}
	b.public, b.ops = b.freePort(replicaHosts[0]), b.freePort(replicaHosts[1])
	address := fmt.Sprintf("%s%s:%d", b.network, balancerHost, b.freePort(balancerHost))
	b.url = "https://" + address
	b.env = []string{
		"GRANTD_ISSUER=" + b.url, "GRANTD_DATABASE=" + withPassfile(t, b.database.URL(database)), "GRANTD_PASSWORD_BCRYPT_COST=10",
		"GRANTD_MASTER_KEY=" + base64.StdEncoding.EncodeToString(token.NewMasterKey()), "GRANTD_SIGNUP_ENABLED=true",
		"GRANTD_TRUSTED_PROXIES=127.0.0.1", // from where HAProxy connects
		// Long enough for the two checks, and not longer.
		"GRANTD_SHUTDOWN_DELAY=1800ms",
	}
	b.operate("migrate")
	for i := range replicaHosts {
		b.replicas = append(b.replicas, nil)
		b.start(i)
	}
	b.run(address)
	return b
}

// withPassfile moves the password into a file, as the examples have it.
func withPassfile(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	path := filepath.Join(t.TempDir(), "pgpass")
	line := strings.Join([]string{u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/"), u.User.Username(), password}, ":")
	if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	parameters := u.Query()
	parameters.Set("passfile", path)
	u.User, u.RawQuery = url.User(u.User.Username()), parameters.Encode()
	return u.String()
}

// freePort returns a port that is free at that host, which nobody else uses.
func (b *balancer) freePort(host string) int {
	b.t.Helper()
	l, err := net.Listen("tcp", b.network+host+":0")
	if err != nil {
		b.t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// operate runs a command with the settings of the replicas.
func (b *balancer) operate(args ...string) string {
	b.t.Helper()
	cmd := exec.Command("grantd", args...)
	cmd.Env = settings(b.env...)
	status, stdout, stderr := runCommand(b.t, cmd, "")
	if status != exitOK {
		b.t.Fatalf("grantd %v: exit status %d: %s", args, status, stderr)
	}
	return stdout
}

// start starts a replica, or starts it again.
func (b *balancer) start(i int) {
	b.t.Helper()
	host := b.network + replicaHosts[i]
	p := newProcess("serve")
	p.cmd.Args = append(p.cmd.Args, "--listen", fmt.Sprintf("%s:%d", host, b.public), "--ops-listen", fmt.Sprintf("%s:%d", host, b.ops))
	p.cmd.Env = settings(b.env...)
	p.run(b.t)
	b.replicas[i] = p
}

// run starts HAProxy and returns once it finds all replicas ready.
func (b *balancer) run(address string) {
	b.t.Helper()
	program, err := exec.LookPath("haproxy")
	if err != nil {
		program = "/usr/sbin/haproxy" // where Debian puts it, which is not in everybody's PATH
	}
	cmd := exec.Command(program, "-db", "-f", b.configure(address))
	cmd.Stdout, cmd.Stderr = &b.log, &b.log
	if err := cmd.Start(); err != nil {
		b.t.Fatalf("%v: run \"make tools\", or install the package haproxy", err)
	}
	b.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if b.t.Failed() {
			b.t.Logf("HAProxy: %s", regexp.MustCompile(`(?m)^.* 200 .*\n`).ReplaceAllString(b.log.String(), ""))
		}
	})
	client := b.client(clientHost)
	for i := range b.replicas {
		eventually(b.t, "all replicas take requests", func() bool {
			return b.at(client.get("/.well-known/jwks.json", "")) == i
		})
	}
}

// configure writes the example with the test's addresses and certificate, and
// without what only root may do if we are not.
func (b *balancer) configure(address string) string {
	b.t.Helper()
	dir := b.t.TempDir()
	files := certificateFiles{filepath.Join(dir, "cert"), filepath.Join(dir, "key")}
	b.trusted = x509.NewCertPool()
	b.trusted.AddCert(files.write(b.t, "balancer", time.Now()))
	both := b.read(files.cert) + b.read(files.key)
	pem, path := filepath.Join(dir, "grantd.pem"), filepath.Join(dir, "haproxy.cfg")
	text := b.read("../../docs/deploy/haproxy.cfg")
	for _, change := range [][2]string{
		{`bind :443 `, "bind " + address + " "},
		{`/etc/haproxy/grantd\.pem`, pem},
		{`check port 9000 `, fmt.Sprintf("check port %d ", b.ops)},
		{`10\.20\.0\.(\d+):8000`, fmt.Sprintf("%s${1}:%d", b.network, b.public)},
	} {
		pattern := regexp.MustCompile(change[0])
		if !pattern.MatchString(text) {
			b.t.Fatalf("the example has no %s", change[0])
		}
		text = pattern.ReplaceAllString(text, change[1])
	}
	if os.Getuid() != 0 {
		text = regexp.MustCompile(`(?m)^\t(user|group) .*`).ReplaceAllString(text, "")
	}
	if err := errors.Join(os.WriteFile(pem, []byte(both), 0o600), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *balancer) read(path string) string {
	b.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// client is somebody at that host who asks the balancer.
func (b *balancer) client(host string) *process {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(b.network + host)}}
	return &process{URL: b.url, client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: b.trusted, ServerName: "127.0.0.1"},
	}}}
}

// at tells which replica has answered, by its log; -1 is none yet.
func (b *balancer) at(a answer) int {
	return slices.IndexFunc(b.replicas, func(p *process) bool { return requestLine(p, a) != "" })
}

// requestLine is what a replica has logged of the request.
func requestLine(p *process, a answer) string {
	id := a.header.Get("X-Request-Id")
	for line := range strings.Lines(p.Log.String()) {
		if id != "" && strings.Contains(line, `"msg":"request","id":"`+id+`"`) {
			return line
		}
	}
	return ""
}
