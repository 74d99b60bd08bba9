package resource

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// maxBody bounds every request body.
const maxBody = 64 << 10

// refusal is why a request is not answered, in the shape of every error of grantd.
type refusal struct {
	status      int
	Code        string            `json:"error"`
	Description string            `json:"error_description"`
	Fields      map[string]string `json:"fields,omitempty"` // what is wrong with each
	challenge   string
}

func (e *refusal) Error() string { return e.Code + ": " + e.Description }

func badRequest(description string) error {
	return &refusal{status: http.StatusBadRequest, Code: "invalid_request", Description: description}
}

func badFields(status int, description string, fields map[string]string) error {
	return &refusal{status: status, Code: "invalid_request", Description: description, Fields: fields}
}

// writeError answers with a refusal. Faults are for Options.Fail to word.
func (rt *Router) writeError(w http.ResponseWriter, r *http.Request, err error) {
	var e *refusal
	if !errors.As(err, &e) {
		rt.Fail(w, r, err)
		return
	}
	if e.challenge != "" {
		w.Header().Set("WWW-Authenticate", e.challenge)
	}
	writeJSON(w, e.status, e)
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

// readJSON decodes a bounded JSON object into v.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return badRequest("the body could not be read or is longer than 64 KiB")
	}
	if err := json.Unmarshal(body, v); err != nil {
		return badRequest("the body is not the JSON object that is due here")
	}
	return nil
}

func mediaType(r *http.Request) string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// user is the owner of the request's token.
func (rt *Router) user(r *http.Request) (store.User, error) {
	claims, ok := scopes.FromContext(r.Context())
	if !ok {
		return store.User{}, errors.New("a guarded route was reached without claims")
	}
	if claims.GrantID == "" {
		return store.User{}, &refusal{status: http.StatusForbidden, Code: "access_denied", Description: "this token is a client's own; the route needs one that a user granted"}
	}
	user, err := rt.DB.User(r.Context(), claims.Subject)
	if errors.Is(err, store.ErrNotFound) || err == nil && !user.DisabledAt.IsZero() {
		return store.User{}, rt.gone()
	}
	return user, err
}

// gone refuses the token of a user who was deleted or disabled a moment ago.
func (rt *Router) gone() error {
	const why = "the user of this token is disabled or gone"
	challenge := scopes.Challenge{Realm: rt.Guard.Realm, Error: "invalid_token", ErrorDescription: why, ResourceMetadata: rt.Guard.ResourceMetadata}
	return &refusal{status: http.StatusUnauthorized, Code: "invalid_token", Description: why, challenge: challenge.String()}
}
