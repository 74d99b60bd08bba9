package token

import (
	"encoding/json"
	"strconv"
	"time"
)

// printed is the beginning of a claims set, printed member by member as encoding/json prints a struct of them, to the
// byte: FuzzMint compares the two. Nothing has to be found out anew for each token about the fields of a struct.
type printed []byte

func (p printed) name(name string) printed {
	separator := byte(',')
	if len(p) == 0 {
		separator = '{'
	}
	return append(append(append(p, separator, '"'), name...), '"', ':')
}

func (p printed) string(name, value string) printed { return p.name(name).quoted(value) }

// unlessEmpty leaves out a claim without a value.
func (p printed) unlessEmpty(name, value string) printed {
	if value == "" {
		return p
	}
	return p.string(name, value)
}

func (p printed) strings(name string, values []string) printed {
	if len(values) == 0 {
		return p
	}
	p = append(p.name(name), '[')
	for i, value := range values {
		if i > 0 {
			p = append(p, ',')
		}
		p = p.quoted(value)
	}
	return append(p, ']')
}

func (p printed) int(name string, value int64) printed {
	return strconv.AppendInt(p.name(name), value, 10)
}

// date prints whole seconds (RFC 7519 §2).
func (p printed) date(name string, t time.Time) printed { return p.int(name, t.Unix()) }

func (p printed) end() []byte { return append(p, '}') }

func (p printed) quoted(s string) printed {
	for i := range len(s) {
		if !verbatim(s[i]) { // seldom: encoding/json knows best what to do about it
			text, _ := json.Marshal(s) // a string cannot fail
			return append(p, text...)
		}
	}
	return append(append(append(p, '"'), s...), '"')
}

// verbatim is whether encoding/json leaves a character as it is. It escapes <, > and & for the sake of HTML.
func verbatim(c byte) bool {
	return c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
}
