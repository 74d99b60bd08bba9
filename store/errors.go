package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	// ErrNotFound says that there is no row of that name.
	ErrNotFound = errors.New("not found")

	// ErrUnavailable matches every fault of the database itself: locked, full, read-only,
	// damaged, gone. The text of such an error names the cause and the remedy.
	ErrUnavailable = errors.New("database unavailable")

	// ErrClosed matches what is asked of a database after Close. ErrUnavailable does, too.
	ErrClosed = errors.New("it is closed; restart grantd")
)

// TakenError refuses a row because another one has the same value in a field that is unique.
type TakenError struct {
	Field string // "username", "email", "id" (of a user), "client_id", "item_id", "key_id" or "grant_id"
}

func (e *TakenError) Error() string { return "this " + e.Field + " is taken" }

// SchemaError says that the database has another schema than this program needs.
type SchemaError struct {
	Have, Want int64 // versions; Have is 0 before the first migration
}

func (e *SchemaError) Error() string {
	remedy := `run "grantd migrate"`
	if e.Have > e.Want {
		remedy = "use a newer grantd"
	}
	return fmt.Sprintf("the database is at schema %d, this program needs %d; %s", e.Have, e.Want, remedy)
}

// fault tells what went wrong in the words of this package. What it does not know, among it every
// refusal made here, it returns as it is.
func (d *dialect) fault(ctx context.Context, err error) error {
	switch {
	case err == nil, errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil:
		return ctx.Err() // database/sql rolled back when the context ended, and forgot why
	case d.lost != nil && d.lost(err) && ctx.Err() != nil:
		return ctx.Err() // pgx closes a connection whose statement has no more time
	case err.Error() == "sql: database is closed": // database/sql does not export it
		d.faults.Add(1)
		return fmt.Errorf("%w: %w", ErrUnavailable, ErrClosed)
	}
	if cause := d.explain(err); cause != "" {
		d.faults.Add(1)
		return fmt.Errorf("%w: %s (%w)", ErrUnavailable, cause, oneLine{err})
	}
	return err
}

// oneLine is an error whose text an operator can search for: pgx has a line for each attempt, of
// which the first without TLS may follow one with it.
type oneLine struct{ error }

func (e oneLine) Error() string {
	var lines []string
	for line := range strings.Lines(e.error.Error()) {
		line = strings.TrimSpace(line)
		if last := len(lines) - 1; last > 0 && strings.HasSuffix(lines[last], noTLS) {
			lines = lines[:last]
		}
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " ")
}

// noTLS is how pgx begins to do without TLS where the setting lets it.
const noTLS = "tls error: server refused TLS connection"

func (e oneLine) Unwrap() error { return e.error }
