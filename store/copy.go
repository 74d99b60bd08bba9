package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// CopiedTable is what a copy made of one table.
type CopiedTable struct {
	Name             string
	Written, Removed int     // rows that this run changed in the target
	Source, Target   Content // when they were compared at the end
}

// Equal tells whether source and target hold the same rows.
func (t CopiedTable) Equal() bool { return t.Source == t.Target }

// Content stands for the rows of a table.
type Content struct {
	Rows   int
	SHA256 string // of all rows in the order of their key, in hexadecimal
}

// CopyTo makes to equal to db as it is now, whatever kinds of database they are, and compares the
// two in the end. It works through each table in short transactions and passes over what is equal:
// a copy that was interrupted goes on when CopyTo is called again. Servers on db are not disturbed.
//
// The target is migrated if it is new. It must be empty or a copy of db, and no server may have run
// on it: see [DB.Adopt]. Before the tables were found equal nothing else can use it: see
// [ErrUnfinishedCopy]. Tables that are not [CopiedTable.Equal] are no error: db was changed
// meanwhile, and the target stays unfinished.
//
// Progress is called now and then with the rows of a table that were looked at. It may be nil.
func (db *DB) CopyTo(ctx context.Context, to *DB, progress func(table string, rows int)) ([]CopiedTable, error) {
	m, unlock, err := db.prepareCopy(ctx, to)
	if err != nil {
		return nil, canceled(ctx, err)
	}
	defer unlock() // its error is none of the copy: what counts is the mark
	if progress == nil {
		progress = func(string, int) {}
	}
	c := copying{from: db, to: to, mark: m, progress: progress}
	for _, t := range copied {
		c.tables = append(c.tables, CopiedTable{Name: t.name})
	}
	if err := c.run(ctx); err != nil {
		return nil, canceled(ctx, err)
	}
	equal := !slices.ContainsFunc(c.tables, func(t CopiedTable) bool { return !t.Equal() })
	if err := to.endCopy(ctx, m, equal); err != nil {
		return nil, canceled(ctx, fmt.Errorf("the target: %w", err))
	}
	return c.tables, nil
}

// canceled puts the end of ctx before all that came of it.
func canceled(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// prepareCopy checks both ends, marks the target, and keeps others from copying to it.
func (db *DB) prepareCopy(ctx context.Context, to *DB) (m mark, unlock func() error, err error) {
	var id string
	if err = db.CheckSchema(ctx); err == nil {
		id, err = db.identity(ctx)
	}
	if err != nil {
		return mark{}, nil, fmt.Errorf("the source: %w", err)
	}
	if unlock, err = to.dialect.lock(ctx); err != nil {
		return mark{}, nil, fmt.Errorf("the target: %w", to.dialect.fault(ctx, err))
	}
	if err = to.migrateEmpty(ctx); err == nil {
		m, err = to.beginCopy(ctx, id)
	}
	if err != nil {
		return mark{}, nil, fmt.Errorf("the target: %w", errors.Join(err, unlock()))
	}
	return m, unlock, nil
}

// migrateEmpty brings db up to date if nothing is in it: what is not empty may be somebody else's.
func (db *DB) migrateEmpty(ctx context.Context) error {
	have, err := db.schema(ctx)
	if err != nil || have == wantSchema() {
		return err
	}
	full, err := db.filled(ctx, db.read)
	if err != nil {
		return db.dialect.fault(ctx, err)
	}
	if have > wantSchema() || have > 0 && len(full) > 0 {
		return &SchemaError{Have: have, Want: wantSchema()}
	}
	_, _, err = db.migrateLocked(ctx)
	return err
}

// copying is one run of CopyTo.
type copying struct {
	from, to *DB
	mark     mark // in to
	progress func(table string, rows int)
	tables   []CopiedTable // as copied
}

func (c *copying) run(ctx context.Context) error {
	// What is read all belongs together, or a row could refer to one that was added meanwhile.
	source, done, err := c.from.snapshot(ctx, "the source")
	if err != nil {
		return err
	}
	defer done()
	// What is gone goes first, or it could hold a name that is unique and has a new owner.
	for i := range slices.Backward(copied) {
		if err := c.remove(ctx, source, i); err != nil {
			return err
		}
	}
	for i := range copied {
		if err := c.write(ctx, source, i); err != nil {
			return err
		}
	}
	done() // and compare with what the source has become
	return c.compare(ctx)
}

// snapshot is db as it is now, until done is called.
func (db *DB) snapshot(ctx context.Context, name string) (e end, done func() error, err error) {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return end{}, nil, fmt.Errorf("%s: %w", name, db.dialect.fault(ctx, err))
	}
	return end{name: name, db: db, from: tx}, tx.Rollback, nil
}

func (c *copying) target() end { return end{name: "the target", db: c.to, from: c.to.read} }

// remove deletes the rows of the target that the source does not have.
func (c *copying) remove(ctx context.Context, source end, i int) error {
	t := copied[i]
	m := newMerge(t, t.keys, source, c.target())
	gone := batch{to: c.to, mark: c.mark, table: t, columns: t.keys, statement: t.remove, done: &c.tables[i].Removed}
	for {
		have, want, err := m.next(ctx)
		if err != nil {
			return err
		}
		if have == nil && m.target.over() {
			return gone.flush(ctx)
		}
		if want == nil {
			if err := gone.add(ctx, have); err != nil {
				return err
			}
		}
	}
}

// write adds and changes rows of the target until it has those of the source.
func (c *copying) write(ctx context.Context, source end, i int) error {
	t := copied[i]
	m := newMerge(t, len(t.columns), source, c.target())
	changed := batch{to: c.to, mark: c.mark, table: t, columns: len(t.columns), statement: t.upsert, done: &c.tables[i].Written}
	for n := 0; ; n++ {
		have, want, err := m.next(ctx)
		if err != nil {
			return err
		}
		if have == nil && want == nil {
			c.progress(t.name, n)
			return changed.flush(ctx)
		}
		if n%copyBatch == 0 {
			c.progress(t.name, n)
		}
		if want != nil && !sameRow(have, want) {
			if err := changed.add(ctx, want); err != nil {
				return err
			}
		}
	}
}

// compare fills in what both ends hold.
func (c *copying) compare(ctx context.Context) error {
	var wg sync.WaitGroup
	var inSource, inTarget error
	wg.Go(func() {
		inSource = c.from.contents(ctx, "the source", func(i int, found Content) { c.tables[i].Source = found })
	})
	wg.Go(func() {
		inTarget = c.to.contents(ctx, "the target", func(i int, found Content) { c.tables[i].Target = found })
	})
	wg.Wait()
	return cmp.Or(inSource, inTarget)
}

// contents counts and hashes all tables at one moment.
func (db *DB) contents(ctx context.Context, name string, set func(i int, found Content)) error {
	e, done, err := db.snapshot(ctx, name)
	if err != nil {
		return err
	}
	defer done()
	for i, t := range copied {
		found, err := t.content(ctx, e)
		if err != nil {
			return err
		}
		set(i, found)
	}
	return nil
}
