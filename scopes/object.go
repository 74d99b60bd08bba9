package scopes

import (
	"bytes"
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

var (
	errNoObject = errors.New("it is not a JSON object")
	errTwice    = errors.New("a member of the object is there twice")
)

// eachMember goes through a JSON object whose names are unique (RFC 7519 §4, RFC 7515 §4). Unlike encoding/json it
// neither copies values nor takes IAT for iat, nor the last of two scopes. The error is errNoObject, errTwice, that of
// take, or that there are too many members.
func eachMember(object []byte, take func(name string, value []byte) error) error {
	const space = " \t\r\n"
	rest := bytes.TrimLeft(object, space)
	if !json.Valid(object) || rest[0] != '{' {
		return errNoObject
	}
	names := make([]string, 0, 16)
	for rest = rest[1:]; ; {
		if rest = bytes.TrimLeft(rest, space+","); rest[0] == '}' {
			return nil
		}
		quoted, after := cutValue(rest)
		value, after := cutValue(bytes.TrimLeft(after, space+":"))
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

// cutValue cuts off the value at the start of a text that goes on with the rest of an object that is valid.
func cutValue(text []byte) (value, rest []byte) {
	depth := 0
	for i := 0; ; i++ {
		switch c := text[i]; {
		case c == '"':
			i += quotedLen(text[i:]) - 1
		case c == '{' || c == '[':
			depth++
		case depth > 0 && (c == '}' || c == ']'):
			depth--
		case depth == 0 && bytes.IndexByte([]byte(" \t\r\n,:}"), c) >= 0:
			return text[:i], text[i:]
		}
	}
}

// quotedLen is the length of the string at the start of the text, with its quotes.
func quotedLen(text []byte) int {
	for i := 1; ; i++ {
		i += bytes.IndexAny(text[i:], `"\`)
		if text[i] == '"' {
			return i + 1
		}
		i++
	}
}

// text reads a JSON string.
func text(value []byte) (s string, ok bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	inner := value[1 : len(value)-1]
	for _, c := range inner {
		if c == '\\' || c >= 0x80 {
			// What is no Unicode becomes U+FFFD, whatever it was: of two subjects it would make one.
			return s, json.Unmarshal(value, &s) == nil && !strings.ContainsRune(s, utf8.RuneError)
		}
	}
	return string(inner), true
}

// texts reads a JSON array of strings, or one string.
func texts(value []byte) (list []string, ok bool) {
	if s, ok := text(value); ok {
		return []string{s}, true
	}
	var members []*string // a pointer tells null from ""
	if json.Unmarshal(value, &members) != nil {
		return nil, false
	}
	for _, s := range members {
		if s == nil {
			return nil, false
		}
		list = append(list, *s)
	}
	return list, true
}

// date reads a NumericDate (RFC 7519 §2), up to the last second of the year 9999.
func date(value []byte) (t time.Time, ok bool) {
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || seconds <= 0 || seconds >= 253402300800 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}
