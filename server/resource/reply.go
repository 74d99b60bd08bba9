package resource

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
)

// refusal is why a request is not answered.
type refusal struct {
	status            int
	reason            reason.Word
	code, description string
	fields            map[string]string // what is wrong with each. Empty: it is no field
}

func (e *refusal) Error() string { return e.code + ": " + e.description }

func badRequest(why reason.Word, description string) error {
	return &refusal{status: http.StatusBadRequest, reason: why, code: "invalid_request", description: description}
}

func badFields(why reason.Word, status int, description string, fields map[string]string) error {
	return &refusal{status: status, reason: why, code: "invalid_request", description: description, fields: fields}
}

// writeError answers with a refusal. That of a token is for the guard to word,
// faults are for Options.Fail.
func (rt *router) writeError(w http.ResponseWriter, r *http.Request, err error) {
	var e *refusal
	var ofToken *scopes.Error
	switch {
	case errors.As(err, &e):
		rt.Refused(r, e.code, e.reason, e)
		writeJSON(w, e.status, rt.body(r, e))
	case errors.As(err, &ofToken):
		scopes.Refuse(w, r, ofToken)
	default:
		rt.Fail(w, r, err)
	}
}

// body is a refusal in the shape of every error of grantd.
func (rt *router) body(r *http.Request, e *refusal) map[string]any {
	body := map[string]any{}
	maps.Copy(body, rt.members(r))
	body["error"], body["error_description"] = e.code, e.description
	if len(e.fields) > 0 {
		body["fields"] = e.fields
	}
	return body
}

func (rt *router) members(r *http.Request) map[string]any {
	if rt.Members == nil {
		return nil
	}
	return rt.Members(r)
}

// writeJSON answers with v. What a person's token shows is for no cache.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	writeBody(w, status, append(body, '\n'))
	return nil
}

// Values of headers that many answers share: who adds to one makes a copy.
var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
)

func writeBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = jsonType, noStore
	if len(body) > 2048 { // what net/http counts by itself; more would be sent in chunks
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	w.Write(body) // a client that left is not our error
}
