package main

import (
	"bufio"
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
			return err
		}
		defer file.Close()
		in = file
	}
	count, err := a.importLines(ctx, ad, in)
	if err != nil {
		return err
	}
	if err := a.say(count, "%d users imported, %d lines refused", count.Imported, count.Refused); err != nil {
		return err
	}
	if count.Refused > 0 {
		return fmt.Errorf("%d lines were refused for the reasons above; mend them and import them again, users already there are refused as taken", count.Refused)
	}
	return nil
}

func (a *app) importLines(ctx context.Context, ad admin, in io.Reader) (importCount, error) {
	var count importCount
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<10)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		err := importLine(ctx, ad, lines.Bytes())
		switch {
		case errors.Is(err, store.ErrUnavailable), ctx.Err() != nil:
			return count, fmt.Errorf("line %d: %w", n, errors.Join(err, ctx.Err()))
		case err != nil:
			count.Refused++
			fmt.Fprintf(a.stderr, "grantd: line %d: %s\n", n, oneLine(err))
		default:
			count.Imported++
		}
	}
	return count, lines.Err()
}

func importLine(ctx context.Context, ad admin, line []byte) error {
	var in importedUser
	if err := json.Unmarshal(line, &in); err != nil {
		return errors.New(`not a JSON object of a user, such as {"username":"ann","email":"ann@example.com","password_hash":"$2b$12$..."}`)
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
	hash, err := server.ImportHash(in.PasswordHash)
	if err != nil {
		return err
	}
	u.PasswordHash = hash
	if in.Disabled {
		u.DisabledAt = ad.now
	}
	return ad.db.CreateUser(ctx, u)
}
