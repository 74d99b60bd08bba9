package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/grantd/grantd/server/reason"
)

// maxBody bounds every request body (contract §5).
const maxBody = 64 << 10

// bodyOnly are the parameters that must never be in a URL, where logs and
// histories keep them (RFC 6749 §2.3.1, RFC 9700 §4.3.2).
var bodyOnly = []string{
	"access_token", "client_assertion", "client_id", "client_secret", "code", "code_verifier",
	"password", "refresh_token", "token", "username",
}

// otherParameters are the other parameters that an endpoint here knows.
var otherParameters = []string{
	"client_assertion_type", "grant_type", "redirect_uri", "resource", "scope", "token_type_hint",
	// of authorization requests
	"acr_values", "claims", "claims_locales", "code_challenge", "code_challenge_method", "display", "id_token_hint", "login_hint", "max_age",
	"nonce", "prompt", "registration", "request", "request_uri", "response_mode", "response_type", "state", "ui_locales",
}

// repeatable is the only parameter that may be given more than once (RFC 8707 §2).
const repeatable = "resource"

func known(parameter string) bool {
	return slices.Contains(bodyOnly, parameter) || slices.Contains(otherParameters, parameter)
}

const formType = "application/x-www-form-urlencoded"

// readForm reads the body of a POST, strictly: RFC 6749 §3.2 takes parameters
// from the body only, none twice, and an empty one as left out. Afterwards
// r.Form holds the checked parameters and nothing of the URL.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if err := checkQuery(r.URL); err != nil {
		return nil, err
	}
	if mediaType(r) != formType {
		return nil, badRequest(reason.ContentTypeWrong, "send the parameters as a form: Content-Type "+formType).because(sentType(r))
	}
	body, err := readWhole(w, r)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	clear(body) // it may hold a password
	if err != nil {
		return nil, badRequest(reason.FormMalformed, "the body is not a well-formed form")
	}
	for name, values := range form {
		if err := checkParameter(name, values...); err != nil {
			return nil, err
		}
	}
	dropEmpty(form)
	r.Form, r.PostForm = form, form
	return form, nil
}

// mediaType is the type of the body without parameters, empty when it cannot be told.
func mediaType(r *http.Request) string {
	sent := r.Header.Get("Content-Type")
	if sent == formType { // as nearly everybody writes it
		return sent
	}
	t, _, err := mime.ParseMediaType(sent)
	if err != nil {
		return ""
	}
	return t
}

// usualTypes are those of bodies that clients send by mistake. What else is sent is not logged.
var usualTypes = []string{
	formType, "application/json", "application/octet-stream", "application/x-json", "application/xml", "multipart/form-data", "text/html", "text/json", "text/plain",
}

// sentType is, for the operator, of what type a body is that is not read.
func sentType(r *http.Request) error {
	switch sent := mediaType(r); {
	case r.Header.Get("Content-Type") == "":
		return errors.New("no Content-Type is sent")
	case slices.Contains(usualTypes, sent):
		return errors.New("Content-Type " + sent + " is sent")
	}
	return errors.New("an unusual or malformed Content-Type is sent")
}

// readWhole reads a body of up to maxBody. What a request says of its length is taken
// for room to begin with, and no more.
func readWhole(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	const usual = 4 << 10
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	body := make([]byte, 0, min(max(r.ContentLength, 0), usual)+1) // in one more the end shows
	for {
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, bodyError(err, "the body could not be read")
		}
		body = slices.Grow(body, 1)
	}
}

func checkQuery(u *url.URL) error {
	if u.RawQuery == "" {
		return nil
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return badRequest(reason.QueryMalformed, "the query string is malformed; send parameters in the body")
	}
	for _, name := range bodyOnly {
		if query.Has(name) {
			return badRequest(reason.ParameterInQuery, name+" in the query string; send it in the body and treat the one sent as leaked")
		}
	}
	return nil
}

// takeSecret takes a parameter out of a form, so that no more of the request holds it than must.
func takeSecret(form url.Values, name string) string {
	secret := form.Get(name)
	form.Del(name)
	return secret
}

// checkParameter refuses what RFC 6749 has in no request: a parameter given more
// than once (§3.2), but for one, and characters of no parameter (appendix A). A TAB is
// allowed in usernames and passwords (A.15, A.16); elsewhere it matches nothing.
func checkParameter(name string, values ...string) error {
	if !cleanText(name) {
		return badRequest(reason.ParameterMalformed, "a parameter name has control characters or invalid UTF-8")
	}
	if len(values) != 1 && name != repeatable {
		return badRequest(reason.ParameterRepeated, parameter(name)+" is given more than once")
	}
	for _, v := range values {
		if !cleanBut('\t', v) {
			return badRequest(reason.ParameterMalformed, parameter(name)+" has control characters or invalid UTF-8")
		}
	}
	return nil
}

// dropEmpty: RFC 6749 §3.2: a parameter without a value counts as left out.
func dropEmpty(form url.Values) {
	for name, values := range form {
		some := slices.DeleteFunc(values, func(v string) bool { return v == "" })
		if len(some) == 0 {
			delete(form, name)
		} else if len(some) < len(values) {
			form[name] = some
		}
	}
}

// cleanText reports whether s is UTF-8 without control characters.
func cleanText(s string) bool { return cleanBut(' ', s) }

// cleanBut is cleanText that lets one control character pass; a space is none.
func cleanBut(allowed byte, s string) bool {
	ascii := true
	for i := range len(s) {
		if c := s[i]; c < 0x20 && c != allowed || c == 0x7f {
			return false
		} else if c >= utf8.RuneSelf {
			ascii = false
		}
	}
	return ascii || utf8.ValidString(s)
}

// parameter names a parameter in an error, if it is one of ours: what stands
// behind a '&' that should have been encoded may be half a password.
func parameter(name string) string {
	if known(name) {
		return "parameter " + name
	}
	return "an unknown parameter"
}

func bodyError(err error, hint string) error {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return badRequest(reason.BodyTooLong, fmt.Sprintf("the body is longer than %d bytes", maxBody))
	}
	return badRequest(reason.BodyUnreadable, hint).because(err)
}

// readJSON reads a JSON object with the strictness of readForm: encoding/json
// would take the last of repeated members.
func readJSON(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if err := checkQuery(r.URL); err != nil {
		return nil, err
	}
	body, err := readWhole(w, r)
	if err != nil {
		return nil, err
	}
	return parseObject(string(body))
}

const wantObject = `the body is not a JSON object of strings, such as {"refresh_token": "..."}`

func parseObject(body string) (url.Values, error) {
	if !utf8.ValidString(body) {
		return nil, badRequest(reason.JSONMalformed, "the body is not UTF-8")
	}
	dec := json.NewDecoder(strings.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, badRequest(reason.JSONMalformed, wantObject)
	}
	given := url.Values{}
	for dec.More() {
		if err := readMember(dec, given); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return nil, badRequest(reason.JSONMalformed, wantObject)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest(reason.JSONMalformed, wantObject)
	}
	dropEmpty(given)
	return given, nil
}

// readMember reads one member into given. null is a parameter without a value.
// RFC 6749 §3.2: an unknown parameter is ignored, here of whatever type: clients
// send back the whole token reply, with expires_in a number.
func readMember(dec *json.Decoder, given url.Values) error {
	name, err := dec.Token()
	key, isName := name.(string)
	if err != nil || !isName {
		return badRequest(reason.JSONMalformed, wantObject)
	}
	var value any
	if err := dec.Decode(&value); err != nil {
		return badRequest(reason.JSONMalformed, wantObject)
	}
	text, isText := value.(string)
	if value != nil && !isText && known(key) {
		return badRequest(reason.JSONMalformed, wantObject)
	}
	given.Add(key, text)
	return checkParameter(key, given[key]...)
}
