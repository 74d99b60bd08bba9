package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// maxImportLine bounds a line of an import, in bytes.
const maxImportLine = 64 << 10

// eventsTogether is how many users are imported before the audit log has them.
const eventsTogether = 100

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
	done, stopped := a.importLines(ctx, ad, in)
	if err := a.say(done, "%s imported, %s refused", count(done.Imported, "user"), count(done.Refused, "line")); err != nil {
		return err
	}
	const again = "import again, users already there are refused as taken"
	switch {
	case errors.Is(stopped, errArray):
		return stopped
	case stopped != nil:
		return fmt.Errorf("%w; mend that and "+again, stopped)
	case done == importCount{}:
		return errors.New("there was no line to read; name a file of JSON lines, or pipe them in")
	case done.Refused == 1:
		return errors.New("1 line was refused for the reason above; mend it and " + again)
	case done.Refused > 1:
		return fmt.Errorf("%d lines were refused for the reasons above; mend them and "+again, done.Refused)
	}
	return nil
}

// errArray ends an import: each line of the array would be refused.
var errArray = errors.New("this is a JSON array; write one object per line, no array, which is what jq -c '.[]' prints")

// importLines returns an error only where it had to stop.
func (a *app) importLines(ctx context.Context, ad admin, in io.Reader) (done importCount, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxImportLine)
	n := 1
	var added []store.Event
	defer func() { err = errors.Join(err, a.recorded(ctx, ad, added...)) }()
	for ; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		switch {
		case len(line) == 0:
			continue
		case line[0] == '[' && done == importCount{}:
			return done, errArray
		}
		id, err := importLine(ctx, ad, line)
		switch {
		case errors.Is(err, store.ErrUnavailable), ctx.Err() != nil:
			return done, fmt.Errorf("stopped at line %d: %w", n, errors.Join(err, ctx.Err()))
		case err != nil:
			done.Refused++
			fmt.Fprintf(a.stderr, "grantd: line %d: %s\n", n, oneLine(err))
		default:
			done.Imported++
			added = append(added, store.Event{Type: "user.imported", Subject: id})
			if len(added) == eventsTogether {
				if err := a.recorded(ctx, ad, added...); err != nil {
					return done, err
				}
				added = nil
			}
		}
	}
	if err := lines.Err(); err != nil {
		return done, fmt.Errorf("stopped at line %d, which cannot be read or is over %d bytes: %w", n, maxImportLine, err)
	}
	return done, nil
}

// importLine returns the id of the new user.
func importLine(ctx context.Context, ad admin, line []byte) (id string, err error) {
	in, err := parseImport(line)
	if err != nil {
		return "", err
	}
	u := store.User{ID: rand.Text(), Username: in.Username, Email: in.Email, FullName: in.FullName, Scopes: in.Scopes}
	if err := checkAccount(u); err != nil {
		return "", err
	}
	for _, name := range in.Scopes {
		if err := checkScope(ad.cfg, name); err != nil {
			return "", err
		}
	}
	if in.PasswordHash == "" {
		return "", errors.New("password_hash is missing")
	}
	if u.PasswordHash, err = server.ImportHash(in.PasswordHash); err != nil {
		return "", err
	}
	u.CreatedAt = ad.now()
	if in.Disabled {
		u.DisabledAt = u.CreatedAt
	}
	return u.ID, otherName(ad.db.CreateUser(ctx, u))
}

// checkScope refuses an entry that is not the name of one scope.
func checkScope(cfg config.Config, name string) error {
	switch {
	case isScope(cfg, name):
		return nil
	case !scopes.ValidName(name):
		return fmt.Errorf(`scope %q is not one name; write scopes as ["me","items"]`, name)
	}
	return unknownScope(cfg, name)
}
