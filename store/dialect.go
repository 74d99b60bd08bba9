package store

import (
	"context"

	"github.com/pressly/goose/v3"
)

// dialect is what the databases do not have in common. All else is SQL that they share: $1
// placeholders, RETURNING, ON CONFLICT.
type dialect struct {
	driver   string // of database/sql
	goose    goose.Dialect
	hasTable string // counts the tables that are called $1

	// lock keeps every other process from migrating until unlock is called.
	lock func(ctx context.Context) (unlock func() error, err error)

	// explain says in plain words what ails the database and what to do about it;
	// "" when err is none of the database's faults.
	explain func(err error) string
}
