package store

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

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
		return "PostgreSQL refuses the user; correct user and password of the database setting (special characters percent-encoded) or its passfile, or pg_hba.conf"
	case "3D000":
		return "there is no such database; create it, or correct the database setting"
	case "53100":
		return "no space is left; free some on the disk of PostgreSQL"
	case "53300":
		return "PostgreSQL has no connection left; raise its max_connections or the limit of the role, or lower database_connections"
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
	case errors.Is(err, pgconn.ErrReadOnlyConnection):
		return "none of the hosts can be written; promote one, or correct the database setting"
	case errors.Is(err, pgconn.ErrStandbyConnection):
		return "the database is a standby; point the database setting at the primary, or name all hosts"
	case errors.As(err, new(*pgconn.ConnectError)) && strings.HasSuffix(err.Error(), noTLS):
		return "PostgreSQL offers no TLS; turn it on there, or set sslmode=disable where nobody else can listen"
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
