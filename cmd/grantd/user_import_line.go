package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// importedUser is one line of an import.
type importedUser struct {
	Username     string   `json:"username"`
	Email        string   `json:"email"`
	FullName     string   `json:"full_name"`
	PasswordHash string   `json:"password_hash"`
	Scopes       []string `json:"scopes"` // left out or null: all
	Disabled     bool     `json:"disabled"`
}

// member is where the member of that name goes, or nil if there is none.
func (in *importedUser) member(name string) any {
	switch name {
	case "username":
		return &in.Username
	case "email":
		return &in.Email
	case "full_name":
		return &in.FullName
	case "password_hash":
		return &in.PasswordHash
	case "scopes":
		return &in.Scopes
	case "disabled":
		return &in.Disabled
	}
	return nil
}

// parseImport reads one line. The error never repeats a value.
func parseImport(line []byte) (importedUser, error) {
	in, err := readImport(json.NewDecoder(bytes.NewReader(line)))
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return in, nil
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errNoObject
	}
	return in, fmt.Errorf(`not a user, %w; write {"username":"ann","email":"ann@example.com","password_hash":"$2b$12$..."} with, if you like, full_name, scopes, disabled`, err)
}

var errNoObject = errors.New("no JSON object")

// readImport walks the members itself: encoding/json takes their names in any
// letter case and the last of those that repeat, so that a second "SCOPES" would
// let the user grant everything, as would a misspelt one.
func readImport(dec *json.Decoder) (in importedUser, err error) {
	if begin, err := dec.Token(); err != nil || begin != json.Delim('{') {
		return in, errNoObject
	}
	seen := map[string]bool{}
	for dec.More() {
		if err := readMember(dec, &in, seen); err != nil {
			return in, err
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return in, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return in, errors.New("more than one value in the line")
	}
	return in, nil
}

func readMember(dec *json.Decoder, in *importedUser, seen map[string]bool) error {
	key, err := dec.Token()
	if err != nil {
		return err
	}
	name, _ := key.(string) // RFC 8259 §4: nothing else is a name
	into := in.member(name)
	switch {
	case into == nil:
		return fmt.Errorf("there is no member %q", name)
	case seen[name]:
		return fmt.Errorf("%q is there twice", name)
	}
	seen[name] = true
	err = dec.Decode(into)
	if errors.As(err, new(*json.UnmarshalTypeError)) {
		return fmt.Errorf("%q is of the wrong kind", name)
	}
	return err
}
