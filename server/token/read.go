package token

import (
	"strconv"
	"strings"
)

// reader reads a claims set that printed has printed, member by member in the same order, as encoding/json would read it.
// Of any other, ok is false in the end, though its JSON may say the same.
type reader struct {
	rest string
	ok   bool
}

// skip passes over text that has to come next.
func (r *reader) skip(text string) {
	rest, found := strings.CutPrefix(r.rest, text)
	r.rest, r.ok = rest, r.ok && found
}

func (r *reader) name(first, name string) {
	r.skip(first)
	r.skip(name)
	r.skip(`":`)
}

// quoted reads a string in which nothing is escaped.
func (r *reader) quoted() string {
	r.skip(`"`)
	n := 0
	for n < len(r.rest) && verbatim(r.rest[n]) {
		n++
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	r.skip(`"`)
	return s
}

func (r *reader) int(name string) int64 {
	r.name(`,"`, name)
	n := 0
	for n < len(r.rest) && '0' <= r.rest[n] && r.rest[n] <= '9' {
		n++
	}
	value, err := strconv.ParseInt(r.rest[:n], 10, 64)
	r.ok = r.ok && err == nil && (n == 1 || r.rest[0] != '0') // JSON numbers begin with no zero
	r.rest = r.rest[n:]
	return value
}

func (r *reader) string(name string) string {
	r.name(`,"`, name)
	return r.quoted()
}
