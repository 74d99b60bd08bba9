package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// end is one of the two databases, for reading.
type end struct {
	name string // for errors
	db   *DB
	from interface { // a *pool or a *sql.Tx
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
}

// reader reads a table in the order of its key, batch by batch: no statement stays open while the
// other end is written.
type reader struct {
	end
	table   table
	columns int // how many of them
	batch   []row
	last    row // behind which the next batch begins; nil at the start
	ended   bool
}

// peek returns the next row, and nil at the end.
func (r *reader) peek(ctx context.Context) (row, error) {
	if len(r.batch) == 0 && !r.ended {
		if err := r.fetch(ctx); err != nil {
			return nil, fmt.Errorf("%s: read %s: %w", r.name, r.table.name, r.db.dialect.fault(ctx, err))
		}
	}
	if len(r.batch) == 0 {
		return nil, nil
	}
	return r.batch[0], nil
}

func (r *reader) advance() { r.batch = r.batch[1:] }

func (r *reader) over() bool { return r.ended && len(r.batch) == 0 }

func (r *reader) fetch(ctx context.Context) error {
	var behind []any
	if r.last != nil {
		behind = r.last[:r.table.keys]
	}
	rows, err := r.from.QueryContext(ctx, r.table.selectRange(r.columns, r.last != nil), behind...)
	if err != nil {
		return err
	}
	defer rows.Close()
	r.batch = make([]row, 0, copyBatch)
	for rows.Next() {
		next, err := scanRow(rows, r.columns)
		if err != nil {
			return err
		}
		// Two databases that sort by different rules would miss each other's rows.
		if r.last != nil && r.table.compare(r.last, next) >= 0 {
			return errors.New("it is not sorted byte by byte: its key has another collation")
		}
		r.batch, r.last = append(r.batch, next), next
	}
	r.ended = len(r.batch) < copyBatch
	return rows.Err()
}

// merge goes through a table at both ends in step.
type merge struct{ source, target reader }

func newMerge(t table, columns int, source, target end) *merge {
	return &merge{
		source: reader{end: source, table: t, columns: columns},
		target: reader{end: target, table: t, columns: columns},
	}
}

// next returns a row that the target has and the one that it should have, which is nil when the
// source has none of that key; nor need the target have one. Both are nil at the end.
func (m *merge) next(ctx context.Context) (have, want row, err error) {
	if have, err = m.target.peek(ctx); err != nil {
		return nil, nil, err
	}
	if want, err = m.source.peek(ctx); err != nil {
		return nil, nil, err
	}
	if have != nil && want != nil {
		switch order := m.source.table.compare(have, want); {
		case order < 0:
			want = nil
		case order > 0:
			have = nil
		}
	}
	if have != nil {
		m.target.advance()
	}
	if want != nil {
		m.source.advance()
	}
	return have, want, nil
}

// batch is rows that one transaction will write or delete.
type batch struct {
	to        *DB
	mark      mark
	table     table
	statement func(rows int) string
	columns   int // that it takes
	rows      []row
	done      *int // counts rows
}

func (b *batch) add(ctx context.Context, r row) error {
	b.rows = append(b.rows, r)
	if len(b.rows) < copyBatch {
		return nil
	}
	return b.flush(ctx)
}

func (b *batch) flush(ctx context.Context) error {
	if len(b.rows) == 0 {
		return nil
	}
	err := b.to.update(ctx, func(tx *sql.Tx) error {
		// First of all: what may have become of the target since the rows were compared?
		if err := b.to.holdMark(ctx, tx, b.mark); err != nil {
			return err
		}
		return b.write(ctx, tx)
	})
	if err != nil {
		if why := b.table.unstorable(b.rows); why != "" {
			err = fmt.Errorf("%s (%w)", why, err)
		}
		return fmt.Errorf("the target: write %s: %w", b.table.name, err)
	}
	*b.done += len(b.rows)
	b.rows = b.rows[:0]
	return nil
}

func (b *batch) write(ctx context.Context, tx *sql.Tx) error {
	for rows := range slices.Chunk(b.rows, b.to.dialect.statementRows()) {
		if _, err := tx.ExecContext(ctx, b.statement(len(rows)), values(rows, b.columns)...); err != nil {
			return err
		}
	}
	return nil
}
