package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/config"
)

// servable is the least that Check accepts.
func servable() config.Config {
	c := config.Default()
	c.Issuer = "https://auth.example.com"
	c.MasterKey = base64.StdEncoding.EncodeToString(theKey)
	return c
}

func TestCheck(t *testing.T) {
	certFile, keyFile := keyPair(t)
	_, otherKey := keyPair(t)
	for _, tc := range []struct {
		name    string
		change  func(c *config.Config)
		problem string // empty when nothing is wrong
	}{
		{"the least", func(c *config.Config) {}, ""},
		{"no issuer", func(c *config.Config) { c.Issuer = "" }, "issuer: no issuer is set; set it to the https URL"},
		{"no master key", func(c *config.Config) { c.MasterKey = "" }, "there is no master key"},

		{"PostgreSQL", func(c *config.Config) { c.Database = "postgres://u:p@host/db?sslmode=verify-full" }, ""},
		{"PostgreSQL here", func(c *config.Config) { c.Database = "postgresql://u:p@[::1]:5433,localhost/db" }, ""},
		{"PostgreSQL by socket", func(c *config.Config) { c.Database = "postgres:///db?host=/run/postgresql" }, ""},
		{"PostgreSQL without TLS on purpose", func(c *config.Config) { c.Database = "postgres://u:p@host/db?sslmode=disable" }, ""},
		{"PostgreSQL, TLS forgotten", func(c *config.Config) { c.Database = "postgres://u:hunter2@db:5432/db" },
			`database: it does not say whether the connection to "db" is encrypted; add sslmode=verify-full`},
		{"PostgreSQL, TLS forgotten for the second", func(c *config.Config) { c.Database = "postgres://u:p@127.0.0.1,db2/db" }, `to "db2" is`},
		{"PostgreSQL, TLS by chance", func(c *config.Config) { c.Database = "postgres://u:p@db/db?sslmode=prefer" }, `to "db" is`},
		{"PostgreSQL, / in the password", func(c *config.Config) { c.Database = "postgres://u:hunter2/x@127.0.0.1/db" }, "percent-encode those of the password"},
		{"PostgreSQL, @ in the password", func(c *config.Config) { c.Database = "postgres://u:hunter2@x@127.0.0.1/db" }, "percent-encode those of the password"},
		{"PostgreSQL, ? in the password", func(c *config.Config) { c.Database = "postgres://u:hunter2?x@127.0.0.1/db" }, ""},
		{"PostgreSQL, # in the password", func(c *config.Config) { c.Database = "postgres://u:hunter2#x@127.0.0.1/db" }, ""},
		{"PostgreSQL, @host forgotten", func(c *config.Config) { c.Database = "postgres://u:hunter2/db" }, "a character in the URL is out of place; write postgres://USER:PASSWORD@HOST/NAME"},
		{"PostgreSQL, @host forgotten, : in the password", func(c *config.Config) { c.Database = "postgres://u:hunter2:x/db" }, "a character in the URL is out of place"},
		{"PostgreSQL, @host forgotten, encoded", func(c *config.Config) { c.Database = "postgres://u%3Ahunter2/db" }, "a character in the URL is out of place"},
		{"PostgreSQL, = in a host parameter", func(c *config.Config) { c.Database = "postgres:///db?host=u%3Dhunter2" }, "a character in the URL is out of place"},
		{"PostgreSQL by socket in the authority", func(c *config.Config) { c.Database = "postgres://%2Frun%2Fpostgresql/db" }, ""},
		{"PostgreSQL by a link-local address", func(c *config.Config) { c.Database = "postgres://[fe80::1%25eth0]/db?sslmode=disable" }, ""},
		{"PostgreSQL, @ and ? in the password", func(c *config.Config) { c.Database = "postgres://u:a@hunter2?x@127.0.0.1/db" }, "a character in the URL is out of place"},
		{"PostgreSQL, @ in a parameter", func(c *config.Config) { c.Database = "postgres://127.0.0.1/db?user=u@x&sslmode=disable" }, ""},
		{"PostgreSQL, host as a parameter", func(c *config.Config) { c.Database = "postgres:///db?host=db3" }, `to "db3" is`},
		{"no connections", func(c *config.Config) { c.DatabaseConnections = 0 }, "database_connections: it is 0"},
		{"no delay", func(c *config.Config) { c.ShutdownDelay = 0 }, ""},
		{"a long delay", func(c *config.Config) { c.ShutdownDelay = time.Hour }, "shutdown_delay: it is 1h; set it between 0s and 1m"},
		{"no database", func(c *config.Config) { c.Database = "" }, "database: no database is set"},
		{"other database", func(c *config.Config) { c.Database = "mysql://u:hunter2@host/db" }, "database: the value is of no known kind"},
		{"key=value database", func(c *config.Config) { c.Database = "host=h password=hunter2" }, "write sqlite:PATH"},
		{"sqlite without path", func(c *config.Config) { c.Database = "sqlite:" }, `"sqlite:" names no database`},
		{"postgres without host", func(c *config.Config) { c.Database = "postgres://" }, `"postgres://" names no database`},

		{"tls", func(c *config.Config) { c.TLS = config.TLS{CertFile: certFile, KeyFile: keyFile} }, ""},
		{"tls, no key", func(c *config.Config) { c.TLS.CertFile = certFile }, "tls.key_file: tls.cert_file is set without it"},
		{"tls, no certificate", func(c *config.Config) { c.TLS.KeyFile = keyFile }, "tls.cert_file: tls.key_file is set without it"},
		{"tls, other key", func(c *config.Config) { c.TLS = config.TLS{CertFile: certFile, KeyFile: otherKey} }, "tls: tls: private key does not match"},
		{"tls, no such file", func(c *config.Config) {
			c.TLS = config.TLS{CertFile: certFile, KeyFile: filepath.Join(filepath.Dir(keyFile), "none")}
		}, "name a readable PEM certificate and its key"},

		{"proxies", func(c *config.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }, ""},
		{"everybody a proxy", func(c *config.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("::/0")} }, "::/0 trusts every client"},

		{"access_ttl 24h", func(c *config.Config) { c.Tokens.AccessTTL = 24 * time.Hour }, ""},
		{"access_ttl 1s", func(c *config.Config) { c.Tokens.AccessTTL = time.Second }, ""},
		{"access_ttl 0", func(c *config.Config) { c.Tokens.AccessTTL = 0 }, "tokens.access_ttl: it is 0s; set it between 1s and 24h"},
		{"access_ttl over 24h", func(c *config.Config) { c.Tokens.AccessTTL = 24*time.Hour + 1 }, "tokens.access_ttl: "},
		{"refresh_ttl = access_ttl", func(c *config.Config) { c.Tokens.RefreshTTL = c.Tokens.AccessTTL }, "tokens.refresh_ttl: it is not longer than tokens.access_ttl"},
		{"refresh_max_ttl = refresh_ttl", func(c *config.Config) { c.Tokens.RefreshMaxTTL = c.Tokens.RefreshTTL }, ""},
		{"refresh_max_ttl < refresh_ttl", func(c *config.Config) { c.Tokens.RefreshMaxTTL = c.Tokens.RefreshTTL - 1 }, "tokens.refresh_max_ttl: it is shorter"},
		{"reuse_grace 0", func(c *config.Config) { c.Tokens.ReuseGrace = 0 }, ""},
		{"reuse_grace 10m", func(c *config.Config) { c.Tokens.ReuseGrace = 10 * time.Minute }, ""},
		{"reuse_grace over 10m", func(c *config.Config) { c.Tokens.ReuseGrace = 11 * time.Minute }, "tokens.reuse_grace: it is 11m; set it between 0s and 10m"},
		{"reuse_grace below 0", func(c *config.Config) { c.Tokens.ReuseGrace = -1 }, "tokens.reuse_grace: "},

		{"EdDSA", func(c *config.Config) { c.Tokens.SigningAlg = "EdDSA" }, ""},
		{"RS256", func(c *config.Config) { c.Tokens.SigningAlg = "RS256" }, ""},
		{"none", func(c *config.Config) { c.Tokens.SigningAlg = "none" }, `tokens.signing_alg: "none" is not known; set it to one of: ES256, EdDSA, RS256, HS256`},
		{"HS256", hs256(strings.Repeat("x", 32)), ""},
		{"HS256 without secret", hs256(""), "tokens.shared_secret: HS256 needs at least 32 bytes"},
		{"HS256, 31 bytes", hs256("hunter2" + strings.Repeat("x", 24)), "tokens.shared_secret: HS256 needs at least 32 bytes"},
		{"HS256, newline", hs256(strings.Repeat("x", 32) + "\n"), "it begins or ends with white space"},
		{"secret without HS256", func(c *config.Config) { c.Tokens.SharedSecret = "hunter2" }, "it is set, but tokens.signing_alg is not HS256"},

		{"no scopes", func(c *config.Config) { c.Scopes = nil }, "scopes: no scope is set"},
		{"bad scope", func(c *config.Config) { c.Scopes = []config.Scope{{Name: "a b"}} }, `scopes: "a b" is not a scope name`},
		{"empty scope", func(c *config.Config) { c.Scopes = []config.Scope{{}} }, `scopes: "" is not a scope name`},

		{"bcrypt_cost 10", func(c *config.Config) { c.Password.BcryptCost = 10 }, ""},
		{"bcrypt_cost 16", func(c *config.Config) { c.Password.BcryptCost = 16 }, ""},
		{"bcrypt_cost 9", func(c *config.Config) { c.Password.BcryptCost = 9 }, "password.bcrypt_cost: it is 9; set it between 10 and 16"},
		{"bcrypt_cost 17", func(c *config.Config) { c.Password.BcryptCost = 17 }, "password.bcrypt_cost: it is 17"},
		{"no hashes", func(c *config.Config) { c.Password.MaxConcurrentHashes = 0 }, "password.max_concurrent_hashes: it is 0"},

		{"log.level", func(c *config.Config) { c.Log.Level = "trace" }, `log.level: "trace" is not known`},
		{"log.format", func(c *config.Config) { c.Log.Format = "xml" }, `log.format: "xml" is not known`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := servable()
			tc.change(&c)
			expect(t, c.Check(), tc.problem)
		})
	}
}

func hs256(secret string) func(*config.Config) {
	return func(c *config.Config) { c.Tokens.SigningAlg, c.Tokens.SharedSecret = "HS256", secret }
}

func TestTLSKeyOfEverybodyIsRefused(t *testing.T) {
	certFile, keyFile := keyPair(t)
	c := servable()
	c.TLS = config.TLS{CertFile: certFile, KeyFile: keyFile}
	for _, mode := range []os.FileMode{0o604, 0o602, 0o644, 0o641} {
		chmod(t, keyFile, mode)
		expect(t, c.Check(), `tls.key_file: other users may read or write "`+keyFile+`"; run: chmod o-rwx `+keyFile)
	}
	for _, mode := range []os.FileMode{0o600, 0o640} {
		chmod(t, keyFile, mode)
		expect(t, c.Check(), "")
	}
}

func TestCheckIssuer(t *testing.T) {
	for _, tc := range []struct{ issuer, problem string }{
		{"https://auth.example.com", ""},
		{"https://auth.example.com:8443/tenant/a", ""},
		{"https://192.0.2.1", ""},
		{"http://localhost:8000", ""},
		{"http://127.0.0.1:8000", ""},
		{"http://127.9.9.9", ""},
		{"http://[::1]:8000", ""},
		{"http://auth.example.com", "it is http on a host that is not loopback"},
		{"http://localhost.example.com", "it is http on a host that is not loopback"},
		{"http://0.0.0.0:8000", "it is http on a host that is not loopback"},
		{"auth.example.com", "it is not an absolute URL"},
		{"/auth", "it is not an absolute URL"},
		{"https:auth.example.com", "it is not an absolute URL"},
		{"https://", "it is not an absolute URL"},
		{"https://:8000", "it is not an absolute URL"},
		{"https://a b", "it is not an absolute URL"},
		{"ftp://auth.example.com", "it is neither an https nor an http URL"},
		{"https://user:hunter2@auth.example.com", "it holds a username or password"},
		{"https://auth.example.com?", "it has a query"},
		{"https://auth.example.com/a?b=c", "it has a query"},
		{"https://auth.example.com#", "it has a fragment"},
		{"https://auth.example.com/#a", "it has a fragment"},
		{"https://auth.example.com/", "it ends in a slash; remove the slash"},
		{"https://auth.example.com/a/", "it ends in a slash"},
		{"HTTPS://auth.example.com", "it can be written in another way"},
		{"https://Auth.example.com", "it can be written in another way"},
		{"https://auth.example.com:443", "it can be written in another way"},
		{"http://localhost:80", "it can be written in another way"},
		{"https://auth.example.com:", "it can be written in another way"},
		{"https://auth.example.com:99999", "it can be written in another way"},
		{"https://auth.example.com/a/../b", "it can be written in another way"},
		{"https://auth.example.com//b", "it can be written in another way"},
		{"https://auth.example.com/a%20b", "it can be written in another way"},
		{"https://auth.example.com/a b", "it can be written in another way"},
	} {
		t.Run(tc.issuer, func(t *testing.T) {
			c := servable()
			c.Issuer = tc.issuer
			expect(t, c.Check(), tc.problem)
			expect(t, c.CheckValues(), tc.problem)
		})
	}
}

func TestCheckListeners(t *testing.T) {
	for _, tc := range []struct{ listen, ops, problem string }{
		{":8000", ":9000", ""},
		{"[::1]:8000", "localhost:9000", ""},
		{"127.0.0.1:0", "127.0.0.1:0", ""},
		{"192.0.2.1:8000", "127.0.0.1:8000", ""},
		{"8000", ":9000", `listen: "8000" is not an address to listen on; write host:port`},
		{"", ":9000", `listen: "" is not an address`},
		{"127.0.0.1", ":9000", "is not an address to listen on"},
		{"::1:8000", ":9000", "is not an address to listen on"},
		{":http", ":9000", "is not an address to listen on"},
		{":65536", ":9000", "is not an address to listen on"},
		{"http://localhost:8000", ":9000", "is not an address to listen on"},
		{":8000", "9000", `ops_listen: "9000" is not an address`},
		{"127.0.0.1:8000", "127.0.0.1:8000", "ops_listen: it is the address of listen, which is public"},
		{":8000", "127.0.0.1:8000", "ops_listen: it is the address of listen"},
		{"127.0.0.1:8000", "[::]:8000", "ops_listen: it is the address of listen"},
		{"192.0.2.1:8000", "0.0.0.0:8000", "ops_listen: it is the address of listen"},
	} {
		t.Run(tc.listen+" and "+tc.ops, func(t *testing.T) {
			c := servable()
			c.Listen, c.OpsListen = tc.listen, tc.ops
			expect(t, c.Check(), tc.problem)
		})
	}
}

func TestCheckSaysAllAtOnce(t *testing.T) {
	p := problems(t, config.Config{}.Check())
	for _, key := range []string{"issuer", "listen", "ops_listen", "database", "master_key_file", "tokens.access_ttl",
		"tokens.refresh_ttl", "tokens.signing_alg", "scopes", "password.bcrypt_cost", "password.max_concurrent_hashes",
		"log.level", "log.format"} {
		contains(t, "\n"+p.Error(), "\n"+key+": ")
	}
	for _, one := range p {
		if one.Remedy == "" {
			t.Errorf("no remedy: %v", one)
		}
	}
}

func TestCheckValuesIsForDev(t *testing.T) {
	c := config.Dev()
	c.Password.BcryptCost = 4
	expect(t, c.CheckValues(), "")
	c.Password.BcryptCost = 3
	expect(t, c.CheckValues(), "set it between 4 and 31")
}

// expect wants the problem, or none at all when it is empty.
func expect(t *testing.T, err error, problem string) {
	t.Helper()
	if problem == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	text := problems(t, err).Error()
	contains(t, text, problem)
	if strings.Contains(text, "hunter2") {
		t.Errorf("a secret is shown: %s", text)
	}
}

// keyPair makes the files of a certificate and its key.
func keyPair(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "CERTIFICATE", cert), writePEM(t, "PRIVATE KEY", der)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	return write(t, "x.pem", string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}
