package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// row has the values of the first columns of a table: nil, int64, string or []byte.
type row []any

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

// batch is rows that one statement will write or delete.
type batch struct {
	to        *DB
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
		for rows := range slices.Chunk(b.rows, b.to.dialect.statementRows()) {
			if _, err := tx.ExecContext(ctx, b.statement(len(rows)), values(rows, b.columns)...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		if why := b.table.unstorable(b.rows); why != "" {
			err = errors.New(why)
		}
		return fmt.Errorf("the target: write %s: %w", b.table.name, err)
	}
	*b.done += len(b.rows)
	b.rows = b.rows[:0]
	return nil
}

func scanRow(rows *sql.Rows, columns int) (row, error) {
	values, dest := make(row, columns), make([]any, columns)
	for i := range values {
		dest[i] = &values[i]
	}
	if err := rows.Scan(dest...); err != nil {
		return nil, err
	}
	for _, v := range values {
		switch v.(type) {
		case nil, int64, string, []byte:
		default:
			return nil, fmt.Errorf("a column holds a %T", v)
		}
	}
	return values, nil
}

// compare orders rows by key, as the databases do.
func (t table) compare(a, b row) int {
	return slices.CompareFunc(a[:t.keys], b[:t.keys], func(a, b any) int {
		x, _ := a.(string)
		y, _ := b.(string)
		return strings.Compare(x, y)
	})
}

// appendRow appends the row in a form of its own: of two rows that differ anywhere, in NULL and
// empty too, neither is the other's.
func appendRow(b []byte, r row) []byte {
	for _, v := range r {
		switch v := v.(type) {
		case nil:
			b = append(b, 'n')
		case int64:
			b = binary.BigEndian.AppendUint64(append(b, 'i'), uint64(v))
		case string:
			b = append(binary.AppendUvarint(append(b, 's'), uint64(len(v))), v...)
		case []byte:
			b = append(binary.AppendUvarint(append(b, 'b'), uint64(len(v))), v...)
		}
	}
	return b
}

func sameRow(a, b row) bool { return string(appendRow(nil, a)) == string(appendRow(nil, b)) }

// values are the arguments of a statement that writes rows.
func values(rows []row, columns int) []any {
	args := make([]any, 0, len(rows)*columns)
	for _, r := range rows {
		for _, v := range r[:columns] {
			if b, isBytes := v.([]byte); isBytes && b == nil {
				v = []byte{} // drivers take nil for NULL, and some read an empty value as nil
			}
			args = append(args, v)
		}
	}
	return args
}

// content counts and hashes the table at one end.
func (t table) content(ctx context.Context, from end) (Content, error) {
	r, sum, n := reader{end: from, table: t, columns: len(t.columns)}, sha256.New(), 0
	var text []byte
	for ; ; n++ {
		next, err := r.peek(ctx)
		if err != nil {
			return Content{}, err
		}
		if next == nil {
			return Content{Rows: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
		}
		text = appendRow(text[:0], next)
		sum.Write(text)
		r.advance()
	}
}

// unstorable names a text that PostgreSQL does not take and SQLite does; "" if there is none.
func (t table) unstorable(rows []row) string {
	for _, r := range rows {
		for i, v := range r {
			if s, isText := v.(string); isText && (strings.ContainsRune(s, 0) || !utf8.ValidString(s)) {
				return fmt.Sprintf("%s of the row %q holds a zero byte or what is no UTF-8; correct it in the source",
					t.columns[i], r[:t.keys])
			}
		}
	}
	return ""
}
