package store

import "time"

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
