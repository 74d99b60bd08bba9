package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
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
	if err := adaptToPooler(ctx, cfg); err != nil {
		return nil, d.fault(ctx, err)
	}
	// What keeps the server able to refuse and to find keys has a connection of its own: requests
	// that use up all others must not blind it. So have probes, of which each that is given up
	// takes its connection along.
	serve, watch, probe := postgresPool(cfg, size), postgresPool(cfg, 1), postgresPool(cfg, 1)
	return &DB{
		write: &pool{DB: serve, dialect: d}, read: &pool{DB: serve, dialect: d, reads: true},
		watch: &pool{DB: watch, dialect: d, reads: true},
		probe: &pool{DB: probe, dialect: d}, check: &pool{DB: probe, dialect: d, reads: true},
		dialect: d,
	}, nil
}

func postgresConfig(raw string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(raw)
	if err != nil {
		return nil, errors.New("the database setting is no PostgreSQL URL: " + withoutURL(err) +
			"; write postgres://USER:PASSWORD@HOST/NAME, with special characters in the password percent-encoded")
	}
	given := urlParams(raw)
	if !given.Has("connect_timeout") {
		cfg.ConnectTimeout = postgresConnect
	}
	cfg.RuntimeParams["application_name"] = cmp.Or(cfg.RuntimeParams["application_name"], "grantd")
	// Of several hosts only one can be written. A standby among them waits for its day.
	if severalHosts(cfg) && !given.Has("target_session_attrs") {
		cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
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

// withoutURL is why a URL was refused, without the URL and so without the password in it.
func withoutURL(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, "`: "); i >= 0 && !strings.ContainsAny(text[i+3:], "@`/") {
		return text[i+3:]
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

// adaptToPooler makes the first connection. PgBouncer hands each transaction to any of its own
// connections, where statements prepared on another one are unknown. It shows by the process
// number, which is not that of the backend.
func adaptToPooler(ctx context.Context, cfg *pgx.ConnConfig) error {
	probe := cfg.Copy()
	probe.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, probe)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var backend uint32
	if err := conn.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&backend); err != nil {
		return err
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

// stillPrimary drops a connection whose server has become read-only, where another host may have
// taken over.
func stillPrimary(cfg *pgx.ConnConfig) func(context.Context, *pgx.Conn) error {
	several := severalHosts(cfg)
	return func(_ context.Context, conn *pgx.Conn) error {
		status := conn.PgConn().ParameterStatus // PostgreSQL 14 reports changes of these by itself
		if several && (status("in_hot_standby") == "on" || status("default_transaction_read_only") == "on") {
			return driver.ErrBadConn
		}
		return nil
	}
}
