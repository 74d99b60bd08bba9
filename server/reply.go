package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Values of headers that many answers share: who adds to one makes a copy.
var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
	noCache  = []string{"no-cache"}
	noSniff  = []string{"nosniff"}
)

// netHTTPCounts is how long an answer may be whose length net/http finds out by itself.
const netHTTPCounts = 2048

// writeJSON answers with v, which nobody may keep (RFC 6749 §5.1).
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeBody(w, status, body)
}

// writeObject is writeJSON for what was written by hand.
func writeObject(w http.ResponseWriter, status int, o object) error {
	return writeBody(w, status, append(o, '}'))
}

func writeBody(w http.ResponseWriter, status int, body []byte) error {
	body = append(body, '\n')
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Pragma"] = jsonType, noStore, noCache
	if len(body) > netHTTPCounts { // or it would be sent in chunks
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// object is a JSON object up to its closing brace, to the byte what encoding/json makes
// of the same members: reflection costs more than all else of the commonest answers.
type object []byte

// newObject has room for so many bytes to begin with.
func newObject(room int) object { return append(make(object, 0, room), '{') }

func (o object) name(name string) object {
	if len(o) > 1 {
		o = append(o, ',')
	}
	return append(appendText(o, name), ':')
}

// text adds a member, if it has a value.
func (o object) text(name, value string) object {
	if value == "" {
		return o
	}
	return appendText(o.name(name), value)
}

// number adds a member, if it is not zero.
func (o object) number(name string, n int64) object {
	if n == 0 {
		return o
	}
	return strconv.AppendInt(o.name(name), n, 10)
}

// texts adds a member that is an array.
func (o object) texts(name string, values []string) object {
	o = append(o.name(name), '[')
	for i, v := range values {
		if i > 0 {
			o = append(o, ',')
		}
		o = appendText(o, v)
	}
	return append(o, ']')
}

func (o object) truth(name string, b bool) object { return strconv.AppendBool(o.name(name), b) }

// members adds all members of a map in the order of their names.
func (o object) members(given map[string]any) (object, error) {
	names := slices.AppendSeq(make([]string, 0, 8), maps.Keys(given)) // more than answers have, so that it stays on the stack
	slices.Sort(names)
	for _, name := range names {
		o = o.name(name)
		switch v := given[name].(type) {
		case string:
			o = appendText(o, v)
		case int64:
			o = strconv.AppendInt(o, v, 10)
		default:
			text, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			o = append(o, text...)
		}
	}
	return o, nil
}

func appendText(to object, s string) object {
	for i := range len(s) {
		if !asItIs[s[i]] { // how to write it is for encoding/json to say
			text, _ := json.Marshal(s) // a string cannot fail
			return append(to, text...)
		}
	}
	return append(append(append(to, '"'), s...), '"')
}

// asItIs are the characters that stand for themselves in a string of JSON, for encoding/json.
var asItIs = func() (plain [256]bool) {
	for c := ' '; c <= '~'; c++ {
		plain[c] = !strings.ContainsRune(`"\<>&`, c)
	}
	return plain
}()
