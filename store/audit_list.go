package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// StoredEvent is an event with its place in the log.
type StoredEvent struct {
	Chain string
	Seq   int64
	Event
}

// EventFilter picks events of one chain. What is left empty picks all.
type EventFilter struct {
	Chain     string // empty: Decisions
	Type      string // "*" stands for anything: "grant.*"
	RequestID string
	Subject   string
	ClientID  string
	Since     time.Time // at or after
	Until     time.Time // before
	After     int64     // those with a greater Seq
	Limit     int       // so many; zero: all
	Newest    bool      // the last ones that fit, and not the first. They come in the order of the chain, too
}

// Events returns events in the order of their chain. Page through many by Limit and After.
func (db *DB) Events(ctx context.Context, f EventFilter) ([]StoredEvent, error) {
	where, args := f.conditions()
	order := "seq"
	if f.Newest {
		order = "seq DESC"
	}
	args = append(args, atMost(f.Limit))
	rows, err := list(ctx, db.read, scanEvent, fmt.Sprintf(`SELECT %s FROM audit_events WHERE %s ORDER BY %s LIMIT $%d`,
		eventColumns, where, order, len(args)), args...)
	if f.Newest {
		slices.Reverse(rows)
	}
	events := make([]StoredEvent, len(rows))
	for i := range rows {
		events[i] = rows[i].StoredEvent
	}
	return events, err
}

// conditions are the WHERE of a filter. Which index serves it is seen from the text, so values that pick an index stand in it only when
// they are given.
func (f EventFilter) conditions() (where string, args []any) {
	var all []string
	add := func(condition string, arg any) {
		args = append(args, arg)
		all = append(all, fmt.Sprintf(condition, len(args)))
	}
	if f.Chain == "" || f.Chain == Decisions {
		all = append(all, `chain = 'decisions'`) // as a text, or no partial index would be taken
	} else {
		add(`chain = $%d`, f.Chain)
	}
	add(`seq > $%d`, f.After)
	if f.RequestID != "" {
		add(`request_id = $%d AND request_id <> ''`, f.RequestID)
	}
	if f.Subject != "" {
		add(`subject = $%d AND subject <> ''`, f.Subject)
	}
	if f.ClientID != "" {
		add(`client_id = $%d`, f.ClientID)
	}
	if f.Type != "" {
		add(`type LIKE $%d ESCAPE '\'`, likeGlob(f.Type))
	}
	if !f.Since.IsZero() {
		add(`at >= $%d`, millis(f.Since))
	}
	if !f.Until.IsZero() {
		add(`at < $%d`, millis(f.Until))
	}
	return strings.Join(all, " AND "), args
}

var likeGlob = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`).Replace

// lateEvent is how much later than others an event may come into the log: it waits while its server cannot reach the database.
const lateEvent = time.Hour

// EventsSince returns a Seq behind which all events at or after since are, for EventFilter.After: it saves
// looking at all that is older. It looks at a few rows, since events are about in the order of their time.
func (db *DB) EventsSince(ctx context.Context, chain string, since time.Time) (after int64, err error) {
	c, err := db.chain(ctx, chain)
	if err != nil {
		return 0, err
	}
	early := millis(since.Add(-lateEvent))
	low, high := c.firstSeq, c.Seq+1 // all below low are too early, and high is not
	for low < high {
		middle := low + (high-low)/2
		at, err := one(ctx, db.read, scanInt, `SELECT COALESCE((SELECT at FROM audit_events WHERE chain = $1 AND seq = $2), 0)`, chain, middle)
		if err != nil {
			return 0, err
		}
		if at < early {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low - 1, nil
}

// chain is the row of a chain, as it would be if there is none.
func (db *DB) chain(ctx context.Context, name string) (chainRow, error) {
	found, err := list(ctx, db.read, scanChain, `SELECT `+chainColumns+` FROM audit_chains WHERE chain = $1`, name)
	if err != nil || len(found) == 0 {
		return newChain(name), err
	}
	return found[0], nil
}

// EventHeads returns how far each chain has come that has events.
func (db *DB) EventHeads(ctx context.Context) (heads []Head, err error) {
	found, err := list(ctx, db.read, scanChain, `SELECT `+chainColumns+` FROM audit_chains ORDER BY chain`)
	for _, c := range found {
		heads = append(heads, c.Head)
	}
	return heads, err
}
