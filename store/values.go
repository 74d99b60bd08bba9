package store

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"
)

// millis is a time as its column holds it: Unix milliseconds, 0 for never.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant reads a column of Unix milliseconds; 0 and NULL are the zero time.
type instant struct{ *time.Time }

func (i instant) Scan(src any) error {
	*i.Time = time.Time{}
	switch ms, ok := src.(int64); {
	case src == nil, ok && ms == 0:
		return nil
	case !ok:
		return errors.New("a time column does not hold an integer")
	default:
		*i.Time = time.UnixMilli(ms).UTC()
		return nil
	}
}

// names is a list, kept as JSON text; nil and empty stay apart.
type names []string

func (n names) Value() (driver.Value, error) {
	text, err := json.Marshal([]string(n))
	return string(text), err
}

func (n *names) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return errors.New("a list column does not hold text")
	}
	*n = nil
	if text == "null" {
		return nil
	}
	if list, ok := plainNames(text); ok {
		*n = list
		return nil
	}
	return json.Unmarshal([]byte(text), n)
}

// plainNames reads a list as this package writes it, of names that need no escapes, which are nearly
// all. Each refresh reads two, and encoding/json takes six times as long. False: ask that.
func plainNames(text string) (list names, ok bool) {
	inner, ok := strings.CutPrefix(text, `["`)
	if !ok {
		return nil, false
	}
	if inner, ok = strings.CutSuffix(inner, `"]`); !ok || !plain(inner) {
		return nil, false
	}
	list = strings.Split(inner, `","`)
	for _, name := range list {
		if strings.Contains(name, `"`) {
			return nil, false
		}
	}
	return list, true
}

// plain tells whether JSON shows all of text as it is, quotes apart.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}

// atMost is the LIMIT for a caller's limit.
func atMost(limit int) int64 {
	if limit <= 0 {
		return math.MaxInt64
	}
	return int64(limit)
}

// orNull is v, or NULL for the zero value.
func orNull[T comparable](v T) sql.Null[T] {
	var zero T
	return sql.Null[T]{V: v, Valid: v != zero}
}
