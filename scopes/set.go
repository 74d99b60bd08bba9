package scopes

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxSetBytes is the length in bytes of the longest scope string that Parse reads.
const MaxSetBytes = 4096

// Set is an ordered set of scope names (RFC 6749 §3.3). The zero value is the empty set.
type Set []string

// Parse reads a scope string: names parted by single spaces (RFC 6749 §3.3). The order is kept, a name given
// twice counts at its first place, and "" is the empty set. The error says what to change in s.
func Parse(s string) (Set, error) {
	if len(s) > MaxSetBytes { // Before any work: s comes from a stranger.
		return nil, fmt.Errorf("the scope string is %d bytes long: ask for fewer scopes, at most %d bytes", len(s), MaxSetBytes)
	}
	if s == "" {
		return nil, nil
	}
	set := make(Set, 0, 4)
	seen := make(map[string]struct{}) // not Has: 1400 hostile names would be compared a million times
	for name := range strings.SplitSeq(s, " ") {
		if err := checkName(name); err != nil {
			return nil, err
		}
		if _, twice := seen[name]; !twice {
			seen[name] = struct{}{}
			set = append(set, name)
		}
	}
	return set, nil
}

// ValidName reports whether name is a scope-token of RFC 6749 §3.3: at least one character, none of them a
// space, a quote, a backslash, a control or outside ASCII.
func ValidName(name string) bool { return checkName(name) == nil }

func checkName(name string) error {
	if name == "" {
		return errors.New("the scope string has a space too many: part the names with one space, with none at the ends")
	}
	for i := range len(name) {
		if !scopeChar(name[i]) {
			return fmt.Errorf("scope name %q has the byte %q: leave out quotes, backslashes, controls and all that is not ASCII", clip(name), name[i:i+1])
		}
	}
	return nil
}

// scopeChar: RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ).
func scopeChar(c byte) bool { return c > ' ' && c < 0x7f && c != '"' && c != '\\' }

// clip bounds what an error message repeats of its input.
func clip(s string) string {
	const most = 48
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

// String gives the names parted by single spaces, as the scope parameter and the scope claim carry them.
func (s Set) String() string { return strings.Join(s, " ") }

// Has reports whether name is in s. Letter case matters (RFC 6749 §3.3).
func (s Set) Has(name string) bool { return slices.Contains(s, name) }

// Contains reports whether every name of other is in s. Every set contains the empty one.
func (s Set) Contains(other Set) bool {
	for _, name := range other {
		if !s.Has(name) {
			return false
		}
	}
	return true
}

// Equal reports whether s and other have the same names; the order does not matter (RFC 6749 §3.3).
func (s Set) Equal(other Set) bool { return s.Contains(other) && other.Contains(s) }

// Intersect gives the names of s that other has too, in the order of s.
func (s Set) Intersect(other Set) Set { return s.keep(other.Has) }

// Minus gives the names of s that other lacks, in the order of s.
func (s Set) Minus(other Set) Set {
	return s.keep(func(name string) bool { return !other.Has(name) })
}

func (s Set) keep(wanted func(string) bool) Set {
	var kept Set
	for _, name := range s {
		if wanted(name) {
			kept = append(kept, name)
		}
	}
	return kept
}
