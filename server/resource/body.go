package resource

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/grantd/grantd/server/reason"
)

// maxBody bounds every request body.
const maxBody = 64 << 10

// fields is a flat body. One that was left out is empty.
type fields map[string]string

// readFields reads the fields of these names from a body that is a JSON object
// or a form; others are passed over. A field that is there twice is an error:
// whatever looked at the body before us may have taken the other one.
func readFields(w http.ResponseWriter, r *http.Request, names ...string) (fields, error) {
	parse := parseObject
	switch mediaType(r) {
	case "application/json":
	case "application/x-www-form-urlencoded":
		parse = parseForm
	default:
		return nil, badRequest(reason.ContentTypeWrong, "send JSON or a form, and say which in Content-Type")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, badRequest(reason.BodyTooLong, "the body could not be read or is longer than 64 KiB")
	}
	defer clear(body) // it may hold a password
	return parse(body, names)
}

func mediaType(r *http.Request) string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

func parseForm(body []byte, names []string) (fields, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badRequest(reason.FormMalformed, "the body is not a well-formed form")
	}
	read := fields{}
	for _, name := range names {
		if len(form[name]) > 1 {
			return nil, badRequest(reason.ParameterRepeated, name+" is given more than once")
		}
		read[name] = form.Get(name)
	}
	return read, nil
}

// parseObject walks the members itself: json.Unmarshal takes the last of
// repeated ones, and a name in any letter case.
func parseObject(body []byte, names []string) (fields, error) {
	members := json.NewDecoder(bytes.NewReader(body))
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, badRequest(reason.JSONMalformed, "the body is not JSON in UTF-8")
	}
	if open, err := members.Token(); err != nil || open != json.Delim('{') {
		return nil, badRequest(reason.JSONMalformed, "the body is not a JSON object")
	}
	read := fields{}
	for members.More() {
		if err := readMember(members, names, read); err != nil {
			return nil, err
		}
	}
	return read, nil
}

// readMember adds the next member of a valid object to read if it is one of names.
func readMember(members *json.Decoder, names []string, read fields) error {
	token, err := members.Token()
	if err != nil {
		return err
	}
	var value any
	if err := members.Decode(&value); err != nil {
		return err
	}
	name, _ := token.(string)
	if !slices.Contains(names, name) {
		return nil
	}
	if _, twice := read[name]; twice {
		return badRequest(reason.ParameterRepeated, name+" is given more than once")
	}
	text, ok := value.(string)
	if !ok && value != nil {
		return badRequest(reason.JSONMalformed, name+" is not a string")
	}
	read[name] = text
	return nil
}
