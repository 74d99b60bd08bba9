package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// row has the values of the first columns of a table: nil, int64, string or []byte.
type row []any

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
		if x, isNumber := a.(int64); isNumber {
			y, _ := b.(int64)
			return cmp.Compare(x, y)
		}
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
