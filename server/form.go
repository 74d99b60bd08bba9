package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxBody bounds every request body (contract §5).
const maxBody = 64 << 10

// secretParameters must never be in a URL, where logs and histories keep them
// (RFC 6749 §2.3.1, RFC 9700 §4.3.2).
var secretParameters = []string{
	"access_token", "client_assertion", "client_secret", "code", "code_verifier", "password", "refresh_token", "token", "username",
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
	form := url.Values{}
	for name, values := range r.PostForm {
		if err := addParameter(form, name, values...); err != nil {
			return nil, err
		}
	}
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
	for _, name := range secretParameters {
		if query.Has(name) {
			return badRequest(name + " in the query string; send it in the body and treat the one sent as leaked")
		}
	}
	return nil
}

// addParameter puts one parameter into form. RFC 6749 §3.2: parameters must not
// be given more than once, and one without a value counts as left out.
func addParameter(form url.Values, name string, values ...string) error {
	if !cleanText(name) {
		return badRequest("a parameter name has control characters or invalid UTF-8")
	}
	if len(values) != 1 || form.Has(name) {
		return badRequest("parameter " + printable(name) + " is given more than once")
	}
	if !cleanText(values[0]) {
		return badRequest("parameter " + printable(name) + " has control characters or invalid UTF-8")
	}
	if values[0] != "" {
		form.Set(name, values[0])
	}
	return nil
}

// cleanText reports whether s is UTF-8 without control characters: RFC 6749
// appendix A allows none in any parameter.
func cleanText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

func printable(name string) string {
	if len(name) > 40 {
		name = name[:40] + "..."
	}
	return name
}

func bodyError(err error, hint string) error {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return badRequest(fmt.Sprintf("the body is longer than %d bytes", maxBody))
	}
	return badRequest(hint)
}

// readJSON reads a flat JSON object of strings with the strictness of readForm.
// encoding/json would take the last of repeated members.
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
	form := url.Values{}
	for dec.More() {
		name, _ := dec.Token()
		value, err := dec.Token()
		nameText, nameOK := name.(string)
		text, ok := value.(string)
		if err != nil || !nameOK || (!ok && value != nil) {
			return nil, badRequest(wantObject)
		}
		if err := addParameter(form, nameText, text); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, badRequest(wantObject)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest(wantObject)
	}
	return form, nil
}
