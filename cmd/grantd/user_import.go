package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// importedUser is one line of an import.
type importedUser struct {
	Username     string   `json:"username"`
	Email        string   `json:"email"`
	FullName     string   `json:"full_name"`
	PasswordHash string   `json:"password_hash"`
	Scopes       []string `json:"scopes"` // left out: all
	Disabled     bool     `json:"disabled"`
}

// maxImportLine bounds a line of an import, in bytes.
const maxImportLine = 64 << 10

// importCount is the outcome of an import.
type importCount struct {
	Imported int `json:"imported"`
	Refused  int `json:"refused"`
}

// userImport reads users as JSON lines from a file or standard input. A line
// that cannot be taken is reported with its number, and the others go on.
func (a *app) userImport(ctx context.Context, ad admin, args []string) error {
	in := a.stdin
	if len(args) == 1 && args[0] != "-" {
		file, err := os.Open(args[0])
		if err != nil {
			return fmt.Errorf("%w; name a readable file of JSON lines, or pipe them in", err)
		}
		defer file.Close()
		in = file
	}
	count, stopped := a.importLines(ctx, ad, in)
	if err := a.say(count, "%d users imported, %d lines refused", count.Imported, count.Refused); err != nil {
		return err
	}
	switch {
	case stopped != nil:
		return fmt.Errorf("%w; import the same file again then, users already there are refused as taken", stopped)
	case count.Refused > 0:
		return fmt.Errorf("%d lines were refused for the reasons above; mend them and import them again, users already there are refused as taken", count.Refused)
	}
	return nil
}

// importLines returns an error only where it had to stop.
func (a *app) importLines(ctx context.Context, ad admin, in io.Reader) (count importCount, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxImportLine)
	n := 1
	for ; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		err := importLine(ctx, ad, line)
		switch {
		case errors.Is(err, store.ErrUnavailable), ctx.Err() != nil:
			return count, fmt.Errorf("stopped at line %d: %w", n, errors.Join(err, ctx.Err()))
		case err != nil:
			count.Refused++
			fmt.Fprintf(a.stderr, "grantd: line %d: %s\n", n, oneLine(err))
		default:
			count.Imported++
		}
	}
	if err := lines.Err(); err != nil {
		return count, fmt.Errorf("stopped at line %d, which cannot be read or is over %d bytes: %w", n, maxImportLine, err)
	}
	return count, nil
}

func importLine(ctx context.Context, ad admin, line []byte) error {
	in, err := parseImport(line)
	if err != nil {
		return err
	}
	u := store.User{ID: rand.Text(), Username: in.Username, Email: in.Email, FullName: in.FullName, Scopes: in.Scopes, CreatedAt: ad.now}
	if err := checkAccount(u); err != nil {
		return err
	}
	for _, name := range in.Scopes {
		if _, err := knownScopes(ad.cfg, name); err != nil {
			return err
		}
	}
	if u.PasswordHash, err = server.ImportHash(in.PasswordHash); err != nil {
		return err
	}
	if in.Disabled {
		u.DisabledAt = ad.now
	}
	return otherName(ad.db.CreateUser(ctx, u))
}

// parseImport refuses members that it does not know: a misspelt "scopes" would
// let the user grant everything. The error never repeats a value.
func parseImport(line []byte) (in importedUser, err error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	err = dec.Decode(&in)
	if _, end := dec.Token(); err == nil && end != io.EOF {
		err = errors.New("more than one value in the line")
	}
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return in, nil
	case errors.As(err, &kind) && kind.Field != "":
		err = fmt.Errorf("%q is of the wrong kind", kind.Field)
	case errors.As(err, &kind), errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("no JSON object")
	}
	return in, fmt.Errorf(`not a user, %w; write {"username":"ann","email":"ann@example.com","password_hash":"$2b$12$..."} with, if you like, full_name, scopes, disabled`, err)
}
