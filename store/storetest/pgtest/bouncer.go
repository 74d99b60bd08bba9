package pgtest

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// BouncerOptions of a PgBouncer.
type BouncerOptions struct {
	// PoolSize is how many connections to the server all clients share. Zero means 3.
	PoolSize int
	// Settings are further lines of pgbouncer.ini.
	Settings map[string]string
}

// Bouncer starts a PgBouncer in front of the server of target, a URL of URL or CreateDatabase or
// one through a Proxy, until the test ends, and returns the URL through it. It works as they are
// run in production: pool_mode is transaction, so that two transactions of a client seldom see the
// same session, and nothing but extra_float_digits is ignored in a startup packet. Prepared
// statements of the protocol survive this only since PgBouncer 1.21, which many do not have yet.
func Bouncer(t testing.TB, target string, o BouncerOptions) string {
	t.Helper()
	through, err := bounce(t, target, o)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return through
}

func bounce(t testing.TB, target string, o BouncerOptions) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", err
	}
	bin, err := findBouncer()
	if err != nil {
		return "", err
	}
	dir, err := folder("pgbouncer")
	if err != nil {
		return "", err
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	password, _ := u.User.Password()
	users := filepath.Join(dir, "users")
	if err := write(users, fmt.Sprintf("%q %q\n", u.User.Username(), password)); err != nil {
		return "", err
	}
	err = retryPort(func(port int) error {
		ini := filepath.Join(dir, "pgbouncer.ini")
		if err := write(ini, bouncerConfig(u, port, users, o)); err != nil {
			return err
		}
		u.Host = address(port)
		return startBouncer(t, bin, dir, ini, u.String())
	})
	return u.String(), err
}

func bouncerConfig(target *url.URL, port int, users string, o BouncerOptions) string {
	settings := map[string]string{
		"listen_addr":               "127.0.0.1",
		"listen_port":               strconv.Itoa(port),
		"unix_socket_dir":           "",
		"auth_type":                 "scram-sha-256",
		"auth_file":                 users,
		"pool_mode":                 "transaction",
		"default_pool_size":         strconv.Itoa(o.PoolSize),
		"max_client_conn":           "1000",
		"ignore_startup_parameters": "extra_float_digits",
		"server_login_retry":        "1", // after a restart of the server; PgBouncer's 15 seconds are long for a test
	}
	if o.PoolSize == 0 {
		settings["default_pool_size"] = "3"
	}
	maps.Copy(settings, o.Settings)
	var b strings.Builder
	fmt.Fprintf(&b, "[databases]\n* = host=%s port=%s\n[pgbouncer]\n", target.Hostname(), target.Port())
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = %s\n", name, settings[name])
	}
	return b.String()
}

// startBouncer returns once it answers at through.
func startBouncer(t testing.TB, bin, dir, ini, through string) error {
	cmd, err := command(bin, dir, ini)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "log")
	log, err := os.Create(path)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	p, err := launch(cmd)
	if err != nil {
		return err
	}
	t.Cleanup(func() {
		if err := p.signal(syscall.SIGTERM); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	ask := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		conn, err := pgx.Connect(ctx, through)
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	}
	return await(p, ask, func() string {
		text, _ := os.ReadFile(path)
		return string(text)
	})
}
