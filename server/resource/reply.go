package resource

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/grantd/grantd/scopes"
)

// refusal is why a request is not answered, in the shape of every error of grantd.
type refusal struct {
	status      int
	Code        string            `json:"error"`
	Description string            `json:"error_description"`
	Fields      map[string]string `json:"fields,omitempty"` // what is wrong with each
}

func (e *refusal) Error() string { return e.Code + ": " + e.Description }

func badRequest(description string) error {
	return &refusal{status: http.StatusBadRequest, Code: "invalid_request", Description: description}
}

func badFields(status int, description string, fields map[string]string) error {
	return &refusal{status: status, Code: "invalid_request", Description: description, Fields: fields}
}

// writeError answers with a refusal. That of a token is for the guard to word,
// faults are for Options.Fail.
func (rt *router) writeError(w http.ResponseWriter, r *http.Request, err error) {
	var e *refusal
	var ofToken *scopes.Error
	switch {
	case errors.As(err, &e):
		rt.Refused(r, e.Code, e)
		writeJSON(w, e.status, e)
	case errors.As(err, &ofToken):
		scopes.Refuse(w, r, ofToken)
	default:
		rt.Fail(w, r, err)
	}
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
