package store

import (
	"encoding/json"
	"strings"
	"time"
)

// Event is one security decision: who decided or did what, about whom, when and from where. Nothing
// secret is ever in it.
type Event struct {
	At        time.Time
	Type      string // what happened, as object.verb: "grant.revoked"
	Outcome   string // "ok", or the error code of a refusal
	RequestID string // of the request in which it happened; empty: in none
	Actor     string // who did it: a client, a user, or the operator's command; empty: the server by itself
	Subject   string // id of the user whom it is about; empty: nobody
	ClientID  string // the client that it is about; empty: none
	GrantID   string // the authorization that it is about; empty: none
	Address   string // where the request came from; empty: it was none
	Detail    Detail // what else there is to say, by type
}

// Detail is what only events of one type have. Its names are those that a log has for the same.
type Detail map[string]any

// The chains of events.
const (
	Decisions = "decisions"
	Routine   = "routine" // what every client does all day, kept for a shorter time
)

// chains are all of them, in the order in which they are locked.
var chains = []string{Decisions, Routine}

// Routine tells whether e is of the everyday use of what was decided before.
func (e Event) Routine() bool {
	switch e.Type {
	case "token.issued", "refresh_token.rotated", "refresh_token.repeated":
		return true
	}
	return false
}

// Bounds of what is kept of one event, in bytes.
const (
	maxEventField  = 300
	maxEventDetail = 8 << 10
)

// kept is e as a row can hold it: PostgreSQL takes no zero byte and nothing but UTF-8, and an event
// that cannot be written would hold up all others.
func (e Event) kept() Event {
	for _, field := range []*string{
		&e.Type, &e.Outcome, &e.RequestID, &e.Actor, &e.Subject, &e.ClientID, &e.GrantID, &e.Address,
	} {
		*field = storable(*field, maxEventField)
	}
	return e
}

// storable is the beginning of s, without what a database may refuse.
func storable(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "?")
}

// text is the detail as a row has it: empty for none.
func (d Detail) text() string {
	if len(d) == 0 {
		return ""
	}
	text, err := json.Marshal(d)
	if err != nil || len(text) > maxEventDetail {
		return `{"left_out":"too large, or no JSON"}`
	}
	return string(text) // what json.Marshal makes is valid UTF-8, and has no zero byte
}

func (d *Detail) read(text string) {
	if text != "" && json.Unmarshal([]byte(text), d) != nil {
		*d = Detail{"unreadable": text} // somebody changed the row
	}
}
