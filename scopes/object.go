package scopes

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxMembers of an object: looking for duplicates takes time that a stranger does not get. Metadata of large issuers has 80.
const maxMembers = 256

// jsonText is JSON. Strings in it are pieces of a string, which they keep in memory, and copies of bytes.
type jsonText interface{ string | []byte }

var (
	errNoObject = errors.New("it is not a JSON object")
	errTwice    = errors.New("a member of the object is there twice")
)

// eachMember goes through a JSON object whose names are unique (RFC 7519 §4, RFC 7515 §4). Unlike encoding/json it
// neither copies values nor takes IAT for iat, nor the last of two scopes. The error is errNoObject, errTwice, that of
// take, or that there are too many members.
func eachMember[T jsonText](object T, take func(name string, value T) error) error {
	if !json.Valid([]byte(object)) { // what follows finds an end to all that begins
		return errNoObject
	}
	rest := trimSeparators(object)
	if rest[0] != '{' {
		return errNoObject
	}
	names := make([]string, 0, 16)
	for rest = rest[1:]; ; {
		if rest = trimSeparators(rest); rest[0] == '}' {
			return nil
		}
		quoted, after := cutValue(rest)
		value, after := cutValue(trimSeparators(after))
		name, ok := text(quoted)
		switch {
		case !ok:
			return errNoObject
		case slices.Contains(names, name):
			return errTwice
		case len(names) == maxMembers:
			return fmt.Errorf("the object has more than %d members", maxMembers)
		}
		if err := take(name, value); err != nil {
			return err
		}
		names, rest = append(names, name), after
	}
}

// trimSeparators cuts off what is before the next value of a valid object or array.
func trimSeparators[T jsonText](text T) T {
	i := 0
	for separates(text[i]) {
		i++
	}
	return text[i:]
}

func separates(c byte) bool {
	return c == ',' || c == ':' || c == ' ' || c == '\n' || c == '\t' || c == '\r'
}

// cutValue cuts off the value at the start of a text that goes on with the rest of an object or array that is valid.
func cutValue[T jsonText](text T) (value, rest T) {
	depth := 0
	for i := 0; ; i++ {
		switch c := text[i]; {
		case c == '"':
			i += quotedLen(text[i:]) - 1
		case c == '{' || c == '[':
			depth++
		case depth == 0 && (separates(c) || c == '}' || c == ']'):
			return text[:i], text[i:]
		case c == '}' || c == ']':
			depth--
		}
	}
}

// quotedLen is the length of the string at the start of the text, with its quotes.
func quotedLen[T jsonText](text T) int {
	for i := 1; ; i++ {
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
}

// text reads a JSON string.
func text[T jsonText](value T) (s string, ok bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	for i := range len(value) - 1 {
		if value[i] == '\\' || value[i] >= 0x80 {
			return unescape([]byte(value))
		}
	}
	return string(value[1 : len(value)-1]), true
}

// unescape reads a JSON string of any kind. What is no Unicode becomes U+FFFD, whatever it was: of two subjects it would
// make one, and is refused.
func unescape(value []byte) (s string, ok bool) {
	err := json.Unmarshal(value, &s)
	return s, err == nil && !strings.ContainsRune(s, utf8.RuneError)
}

// texts reads a JSON array of strings, or one string, or null for none.
func texts[T jsonText](value T) (list []string, ok bool) {
	if s, ok := text(value); ok {
		return []string{s}, true
	}
	if value[0] != '[' {
		return nil, string(value) == "null"
	}
	for rest := trimSeparators(value[1:]); rest[0] != ']'; rest = trimSeparators(rest) {
		var item T
		item, rest = cutValue(rest)
		s, ok := text(item)
		if !ok {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

// date reads a NumericDate (RFC 7519 §2), up to the last second of the year 9999.
func date[T jsonText](value T) (t time.Time, ok bool) {
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || seconds <= 0 || seconds >= 253402300800 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}
