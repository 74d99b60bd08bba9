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

// readForm reads the body of a POST, strictly: RFC 6749 §3.2 takes parameters
// from the body only, none twice, and an empty one as left out. Afterwards
// r.Form holds the checked parameters and nothing of the URL.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if err := checkQuery(r.URL); err != nil {
		return nil, err
	}
	if mediaType(r) != "application/x-www-form-urlencoded" {
		return nil, badRequest("send the parameters as a form: Content-Type application/x-www-form-urlencoded")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return nil, bodyError(err, "the body is not a well-formed form")
	}
	for name, values := range r.PostForm {
		if err := checkParameter(name, values...); err != nil {
			return nil, err
		}
	}
	form := withoutEmpty(r.PostForm)
	r.Form, r.PostForm = form, form
	return form, nil
}

func mediaType(r *http.Request) string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

func checkQuery(u *url.URL) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return badRequest("the query string is malformed; send parameters in the body")
	}
	for _, name := range bodyOnly {
		if query.Has(name) {
			return badRequest(name + " in the query string; send it in the body and treat the one sent as leaked")
		}
	}
	return nil
}

// checkParameter refuses what RFC 6749 has in no request: a parameter given more
// than once (§3.2), but for one, and characters of no parameter (appendix A). A TAB is
// allowed in usernames and passwords (A.15, A.16); elsewhere it matches nothing.
func checkParameter(name string, values ...string) error {
	if !cleanText(name) {
		return badRequest("a parameter name has control characters or invalid UTF-8")
	}
	if len(values) != 1 && name != repeatable {
		return badRequest(parameter(name) + " is given more than once")
	}
	for _, v := range values {
		if !cleanText(strings.ReplaceAll(v, "\t", " ")) {
			return badRequest(parameter(name) + " has control characters or invalid UTF-8")
		}
	}
	return nil
}

// withoutEmpty: RFC 6749 §3.2: a parameter without a value counts as left out.
func withoutEmpty(given url.Values) url.Values {
	form := url.Values{}
	for name, values := range given {
		if some := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" }); len(some) > 0 {
			form[name] = some
		}
	}
	return form
}

// cleanText reports whether s is UTF-8 without control characters.
func cleanText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
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
		return badRequest(fmt.Sprintf("the body is longer than %d bytes", maxBody))
	}
	return badRequest(hint)
}

// readJSON reads a JSON object with the strictness of readForm: encoding/json
// would take the last of repeated members.
func readJSON(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if err := checkQuery(r.URL); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, bodyError(err, "the body could not be read")
	}
	return parseObject(string(body))
}

const wantObject = `the body is not a JSON object of strings, such as {"refresh_token": "..."}`

func parseObject(body string) (url.Values, error) {
	if !utf8.ValidString(body) {
		return nil, badRequest("the body is not UTF-8")
	}
	dec := json.NewDecoder(strings.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, badRequest(wantObject)
	}
	given := url.Values{}
	for dec.More() {
		if err := readMember(dec, given); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return nil, badRequest(wantObject)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest(wantObject)
	}
	return withoutEmpty(given), nil
}

// readMember reads one member into given. null is a parameter without a value.
// RFC 6749 §3.2: an unknown parameter is ignored, here of whatever type: clients
// send back the whole token reply, with expires_in a number.
func readMember(dec *json.Decoder, given url.Values) error {
	name, err := dec.Token()
	key, isName := name.(string)
	if err != nil || !isName {
		return badRequest(wantObject)
	}
	var value any
	if err := dec.Decode(&value); err != nil {
		return badRequest(wantObject)
	}
	text, isText := value.(string)
	if value != nil && !isText && known(key) {
		return badRequest(wantObject)
	}
	given.Add(key, text)
	return checkParameter(key, given[key]...)
}
