package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// ReadForm is what the OAuth endpoints read forms with.
func ReadForm(w http.ResponseWriter, r *http.Request) (url.Values, error) { return readForm(w, r) }

// ParseObject is what POST /refresh reads JSON with.
func ParseObject(body string) (url.Values, error) { return parseObject(body) }

// ReadBasic reads client credentials from Authorization headers. named is false
// when they name no client.
func ReadBasic(headers []string) (id, secret string, named bool, err error) {
	c, err := readBasic(headers)
	return c.id, c.secret, !c.none(), err
}

// ReadFormByNetHTTP is ReadForm as it was when net/http parsed forms for it: slower, and
// the same. It gives all refusals of a form that are right, of which one is given.
func ReadFormByNetHTTP(w http.ResponseWriter, r *http.Request) (form url.Values, refusals []string) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, []string{badRequest("", "the query string is malformed; send parameters in the body").Error()}
	}
	for _, name := range bodyOnly {
		if query.Has(name) {
			return nil, []string{badRequest("", name+" in the query string; send it in the body and treat the one sent as leaked").Error()}
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		if _, tooLong := err.(*http.MaxBytesError); tooLong {
			return nil, []string{bodyError(err, "").Error()}
		}
		return nil, []string{badRequest("", "the body is not a well-formed form").Error()}
	}
	form = url.Values{}
	for name, values := range r.PostForm {
		switch {
		case !cleanByRune(name):
			refusals = append(refusals, badRequest("", "a parameter name has control characters or invalid UTF-8").Error())
		case len(values) != 1 && name != repeatable:
			refusals = append(refusals, badRequest("", parameter(name)+" is given more than once").Error())
		case !cleanByRune(strings.ReplaceAll(strings.Join(values, ""), "\t", " ")):
			refusals = append(refusals, badRequest("", parameter(name)+" has control characters or invalid UTF-8").Error())
		}
		if some := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" }); len(some) > 0 {
			form[name] = some
		}
	}
	return form, refusals
}

func cleanByRune(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}
