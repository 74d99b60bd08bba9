package store

import (
	"context"
	"database/sql"
	"regexp"
	"sync"
	"sync/atomic"

	"github.com/pressly/goose/v3"
)

// dialect is what the databases do not have in common. All else is SQL that they share: $1
// placeholders, RETURNING, ON CONFLICT.
type dialect struct {
	goose    goose.Dialect
	hasTable string // counts the tables that are called $1
	clock    string // the time of the database in Unix milliseconds; "" when it is this machine's

	// isolation is what transactions need that change more than one thing, whatever the database's
	// default is: where a later statement does not see what others have committed, a login that was
	// waited for is not found and not ended.
	isolation sql.IsolationLevel

	// prepares is whether the driver leaves it to us to keep statements prepared.
	prepares bool

	// translate puts a query or a migration into the database's own words. Nil leaves it as it is.
	translate  func(query string) string
	translated sync.Map

	// lock keeps every other process from migrating until unlock is called.
	lock func(ctx context.Context) (unlock func() error, err error)

	// inUse tells whether somebody has the database open, when we have closed it. Nil: nobody can tell.
	inUse func(ctx context.Context) (bool, error)

	// explain says in plain words what ails the database and what to do about it;
	// "" when err is none of the database's faults.
	explain func(err error) string

	// undone tells that all of a transaction was taken back, and may go well if done again at
	// once: two of them were in each other's way. Nil: there is no such error.
	undone func(err error) bool

	// lost tells that the connection broke: whether the statement took effect, nobody knows. Nil:
	// there is no such error.
	lost func(err error) bool

	faults, again atomic.Uint64 // see Stats

	tracer      Tracer // nil: nobody looks
	system      string // as OpenTelemetry calls it
	driverTells bool   // of each statement, by itself
}

// Row locks are written as comments, /*lock FOR SHARE*/, for databases that need none.
var lockClause = regexp.MustCompile(`/\*lock ([A-Z ]+)\*/`)

// words translates each query once: there are not many.
func (d *dialect) words(query string) string {
	if d.translate == nil {
		return query
	}
	if known, ok := d.translated.Load(query); ok {
		return known.(string)
	}
	words := d.translate(query)
	d.translated.Store(query, words)
	return words
}
