package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

const (
	postgresConnect  = 5 * time.Second  // for each host, unless the URL says connect_timeout
	postgresIdle     = 5 * time.Minute  // then a connection that nobody needs is closed
	postgresLifetime = 30 * time.Minute // then it is made anew: connections spread over hosts and poolers again
)

func openPostgres(ctx context.Context, url string, size int) (*DB, error) {
	cfg, err := postgresConfig(url)
	if err != nil {
		return nil, err
	}
	d := &dialect{
		system: "postgresql", driverTells: true,
		goose:     goose.DialectPostgres,
		isolation: sql.LevelReadCommitted,
		hasTable:  `SELECT count(to_regclass($1))`,
		clock:     `SELECT ` + postgresNow,
		translate: postgresWords,
		lock:      func(ctx context.Context) (func() error, error) { return lockPostgres(ctx, cfg) },
		explain:   explainPostgres,
		undone:    undonePostgres,
		lost:      lostPostgres,
	}
	if err := adaptToServer(ctx, cfg); err != nil {
		return nil, d.fault(ctx, err)
	}
	cfg.Tracer = pgxTracer{d}
	// What keeps the server able to refuse and to find keys has a connection of its own: requests
	// that use up all others must not blind it. So have probes, of which each that is given up
	// takes its connection along.
	serve, watch, probe := postgresPool(cfg, size), postgresPool(cfg, 1), postgresPool(cfg, 1)
	return &DB{
		write: &pool{DB: serve, name: "requests", dialect: d}, read: &pool{DB: serve, dialect: d, reads: true},
		watch: &pool{DB: watch, name: "watch", dialect: d, reads: true},
		probe: &pool{DB: probe, name: "probe", dialect: d}, check: &pool{DB: probe, dialect: d, reads: true},
		dialect: d, rotations: &queue{most: size, group: rotateTogether},
	}, nil
}

func postgresConfig(raw string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(raw)
	if err != nil {
		return nil, errors.New("the database setting is no PostgreSQL URL: " + withoutURL(err) +
			"; write postgres://USER:PASSWORD@HOST/NAME, with special characters in the password percent-encoded")
	}
	if misplaced(cfg) { // pgx and PostgreSQL would repeat it in their errors
		return nil, errors.New("the user, a host or the name in the database setting holds what looks like a password; " +
			"write postgres://USER:PASSWORD@HOST/NAME, with the colon before the password as it is")
	}
	given := urlParams(raw)
	if !given.Has("connect_timeout") {
		cfg.ConnectTimeout = postgresConnect
	}
	cfg.RuntimeParams["application_name"] = cmp.Or(cfg.RuntimeParams["application_name"], "grantd")
	if !given.Has("target_session_attrs") {
		// A standby lacks the last revocations, and one among several hosts waits for its day. A
		// primary that is read-only is read on, where no other host may have taken over.
		cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsPrimary
		if severalHosts(cfg) {
			cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
		}
	}
	return cfg, nil
}

// urlParams are those of a URL that net/url may not read: it knows no list of hosts.
func urlParams(raw string) url.Values {
	_, rest, _ := strings.Cut(raw, "://")
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' { // a password may hold a '?'
		rest = rest[i+1:]
	}
	_, query, _ := strings.Cut(rest, "?")
	params, _ := url.ParseQuery(query) // pgx has read it before
	return params
}

// misplaced is whether a password got where no password belongs, as in user%3Apassword@.
func misplaced(cfg *pgx.ConnConfig) bool {
	suspect := func(host string) bool {
		return net.ParseIP(strings.SplitN(host, "%", 2)[0]) == nil && strings.ContainsAny(host, ":;=@")
	}
	return strings.ContainsAny(cfg.User, ":;=") || strings.ContainsAny(cfg.Database, ":@") || suspect(cfg.Host) ||
		slices.ContainsFunc(cfg.Fallbacks, func(f *pgconn.FallbackConfig) bool { return suspect(f.Host) })
}

// refusals are what pgx says about URLs, without the pieces of the URL in it, and what that means.
var refusals = []struct{ sign, cause string }{
	{"invalid port", "a port is not a number"},
	{"could not match", "there are not as many ports as hosts"},
	{"invalid connect_timeout", "connect_timeout is not a number of seconds"},
	{"unknown target_session_attrs", "target_session_attrs is none that is known"},
	{"failed to configure TLS (sslmode is invalid", "sslmode is none that is known"},
	{"failed to configure TLS (unable to read CA file", "the file sslrootcert cannot be read"},
	{"failed to configure TLS (unable to add CA", "the file sslrootcert holds no certificate"},
	{`failed to configure TLS (both "sslcert" and "sslkey"`, "sslcert and sslkey belong together"},
	{"failed to configure TLS (unable to read sslkey", "the file sslkey cannot be read"},
	{"failed to configure TLS (failed to decode sslkey", "the file sslkey holds no key"},
	{"failed to configure TLS", "the files sslcert and sslkey, or sslpassword, do not fit"},
	{"failed to read service", "the service is not in the service file"},
	{"failed to parse as URL (invalid percent-encoded", "a % is not followed by two hexadecimal digits"},
	{"failed to parse as URL (unexpected spaces", "there is a space in it; write %20"},
	{"failed to parse as URL", "a character is out of place"},
}

// withoutURL is why pgx refused a URL, in words that hold no piece of it: any may be the password.
func withoutURL(err error) string {
	text := err.Error()
	text = text[strings.LastIndex(text, "`: ")+1:]
	for _, r := range refusals {
		if strings.HasPrefix(text, ": "+r.sign) {
			return r.cause
		}
	}
	return "it cannot be read"
}

func severalHosts(cfg *pgx.ConnConfig) bool {
	for _, other := range cfg.Fallbacks { // may be the same host without TLS
		if other.Host != cfg.Host || other.Port != cfg.Port {
			return true
		}
	}
	return false
}

// adaptToServer makes the first connection. It refuses a server on which what was answered need not
// be on the disk yet; fsync is the operator's own affair. PgBouncer hands each transaction to any of
// its own connections, where statements prepared on another one are unknown. It shows by the
// process number, which is not that of the backend.
func adaptToServer(ctx context.Context, cfg *pgx.ConnConfig) error {
	probe := cfg.Copy()
	probe.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, probe)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var backend uint32
	var commit string
	err = conn.QueryRow(ctx, `SELECT pg_backend_pid(), COALESCE(current_setting('synchronous_commit', true), '')`).Scan(&backend, &commit)
	if err != nil {
		return err
	}
	if commit == "off" {
		return errors.New("PostgreSQL would forget revocations in a crash (synchronous_commit is off); " +
			"run in it: ALTER ROLE " + pgx.Identifier{conn.Config().User}.Sanitize() + " SET synchronous_commit = on")
	}
	if backend != conn.PgConn().PID() && cfg.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // one round trip too, and nothing stays behind
	}
	return nil
}

func postgresPool(cfg *pgx.ConnConfig, size int) *sql.DB {
	db := stdlib.OpenDB(*cfg, stdlib.OptionResetSession(stillPrimary(cfg)))
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxIdleTime(postgresIdle)
	db.SetConnMaxLifetime(postgresLifetime)
	return db
}

// stillPrimary drops a connection that has come to lead to a standby, or to a server that is
// read-only where another host may have taken over.
func stillPrimary(cfg *pgx.ConnConfig) func(context.Context, *pgx.Conn) error {
	several, given := severalHosts(cfg), urlParams(cfg.ConnString()).Has("target_session_attrs")
	return func(ctx context.Context, conn *pgx.Conn) error {
		status := conn.PgConn().ParameterStatus // PostgreSQL 14 reports changes of these by itself
		standby := status("in_hot_standby") == "on"
		if several && (standby || status("default_transaction_read_only") == "on") {
			return driver.ErrBadConn
		}
		// A pooler may report what is no longer so: ask.
		if standby && !given && cfg.ValidateConnect(ctx, conn.PgConn()) != nil {
			return driver.ErrBadConn
		}
		return nil
	}
}
