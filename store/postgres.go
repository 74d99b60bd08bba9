package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

const (
	// What keeps the server able to refuse, find keys and report its state has connections of
	// its own: requests that use up all others must not blind it.
	postgresWatchers = 2

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
	write, watch := postgresPool(cfg, size), postgresPool(cfg, postgresWatchers)
	return &DB{
		write: &pool{DB: write, dialect: d}, read: &pool{DB: write, dialect: d, reads: true},
		watch: &pool{DB: watch, dialect: d, reads: true}, probe: &pool{DB: watch, dialect: d},
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

// migrationLock is any number that nobody else takes.
const migrationLock = 0x6772616e7464 // "grantd"

// lockPostgres holds a lock in a transaction of its own: the lock of a session would not survive
// a pooler, and goose needs the other connections. Who waits holds no connection meanwhile, or ten
// that wait could use up those of a pooler and starve the one who migrates.
func lockPostgres(ctx context.Context, cfg *pgx.ConnConfig) (unlock func() error, err error) {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	closing := func() error { return conn.Close(context.WithoutCancel(ctx)) } // ends the transaction
	for {
		locked, err := tryLockPostgres(ctx, conn)
		if err != nil {
			return nil, errors.Join(err, closing())
		}
		if locked {
			return closing, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), closing())
		case <-time.After(rand.N(200 * time.Millisecond)):
		}
	}
}

// tryLockPostgres leaves the transaction open that holds the lock.
func tryLockPostgres(ctx context.Context, conn *pgx.Conn) (locked bool, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return false, err
	}
	var readOnly bool
	err = tx.QueryRow(ctx, `SELECT current_setting('transaction_read_only') = 'on', pg_try_advisory_xact_lock($1)`,
		int64(migrationLock)).Scan(&readOnly, &locked)
	if err == nil && readOnly { // goose would try for seconds
		err = &pgconn.PgError{Code: "25006", Message: "the server is read-only"}
	}
	if err != nil || !locked {
		return false, errors.Join(err, tx.Rollback(ctx))
	}
	return true, nil
}

var (
	textType = regexp.MustCompile(`\bTEXT\b`)
	inPlace  = regexp.MustCompile(`/\*in place\*/`)
	late     = regexp.MustCompile(`/\*late\*/ (\$\d)`)
)

const postgresNow = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`

// arrival is the time $1, or when the statement arrived if a network that was broken for a while
// delivered it late: dated back, a rotation that nobody was told of would leave its client no grace
// to ask again. A difference of more than an hour is that of two clocks, not of a network.
const arrival = `CASE WHEN ` + postgresNow + ` - $1 BETWEEN 2000 AND 3600000 THEN ` + postgresNow + ` ELSE $1 END`

// postgresWords: texts are compared byte by byte as SQLite does, whatever the database's locale.
// What is updated in place leaves room on its page for the next version of a row. Where it matters
// that a statement may be late, it counts from its arrival.
func postgresWords(query string) string {
	if strings.Contains(query, "/*lock ") {
		return lockClause.ReplaceAllString(query, "$1")
	}
	if strings.Contains(query, "CREATE TABLE") {
		query = textType.ReplaceAllString(query, `TEXT COLLATE "C"`)
		return inPlace.ReplaceAllString(query, "WITH (fillfactor = 75)")
	}
	return late.ReplaceAllString(query, arrival)
}

// explainPostgres knows https://www.postgresql.org/docs/current/errcodes-appendix.html.
func explainPostgres(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return explainConnection(err)
	}
	switch e.Code {
	case "25006":
		return "PostgreSQL is read-only; make it writable, or point the database setting at the primary"
	case "42501":
		return "the role lacks rights; make it the owner of the schema and its tables"
	case "28P01", "28000":
		return "PostgreSQL refuses the user; correct user and password of the database setting, or pg_hba.conf"
	case "3D000":
		return "there is no such database; create it, or correct the database setting"
	case "53100":
		return "no space is left; free some on the disk of PostgreSQL"
	case "53300":
		return "PostgreSQL has no connection left; raise its max_connections, or lower database_connections"
	case "57014":
		return "PostgreSQL canceled the statement; look into its log, and at statement_timeout"
	case "XX001", "XX002":
		return "data is damaged; restore it from a backup"
	}
	switch e.Code[:min(2, len(e.Code))] {
	case "40":
		return "others were in the way again and again; try again"
	case "08", "53", "55", "57", "58", "XX":
		return "PostgreSQL is in trouble; look into its log"
	}
	return ""
}

func explainConnection(err error) string {
	switch {
	case errors.Is(err, pgconn.ErrReadOnlyConnection), errors.Is(err, pgconn.ErrStandbyConnection):
		return "none of the hosts can be written; promote one, or correct the database setting"
	case errors.As(err, new(*pgconn.ConnectError)):
		return "PostgreSQL cannot be reached; start it, or correct the database setting"
	case lostPostgres(err):
		return "the connection to PostgreSQL broke; look whether it runs, and at the network"
	}
	return ""
}

// undonePostgres: serialization failure, deadlock, and a plan or prepared statement that went out
// of date with a migration or a pooler, which fails before it does anything.
func undonePostgres(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "40001", "40P01", "26000":
		return true
	case "0A000":
		return strings.Contains(e.Message, "cached plan")
	}
	return false
}

func lostPostgres(err error) bool {
	if errors.As(err, new(*pgconn.ConnectError)) {
		return false // there was none, and another try at once meets the same
	}
	if e := new(pgconn.PgError); errors.As(err, &e) {
		// The server shuts down or ends this session: it says so, but not about the statement.
		return e.Code == "57P01" || e.Code == "57P02" || strings.HasPrefix(e.Code, "08")
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, new(net.Error)) || errors.Is(err, net.ErrClosed) || errors.Is(err, pgconn.ErrConnClosed)
}
