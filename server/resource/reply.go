package resource

import (
	"encoding/json"
	"errors"
	"net/http"

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
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(body, '\n')) // a client that left is not our error
	return nil
}
