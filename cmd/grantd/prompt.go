package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/grantd/grantd/server"
	"golang.org/x/term"
)

// maxLine bounds a password line on standard input.
const maxLine = 4096

// newPassword asks for a new password twice on a terminal, or reads one line
// from standard input, and checks that it can be set.
func (a *app) newPassword(ctx context.Context) (string, error) {
	password, err := a.readPassword(ctx)
	if err != nil {
		return "", err
	}
	if err := server.CheckNewPassword(password); err != nil {
		return "", fmt.Errorf("the password %w", err)
	}
	return password, nil
}

func (a *app) readPassword(ctx context.Context) (string, error) {
	file, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return readLine(a.stdin)
	}
	first, err := a.ask(ctx, file, "New password: ")
	if err != nil {
		return "", err
	}
	second, err := a.ask(ctx, file, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ, nothing was changed; try again")
	}
	return first, nil
}

// ask reads one line without echo. When ctx ends first, as Ctrl-C has it, the
// terminal shows again what is typed.
func (a *app) ask(ctx context.Context, terminal *os.File, prompt string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(a.stderr, prompt)
	defer fmt.Fprintln(a.stderr)
	type line struct {
		text []byte
		err  error
	}
	typed := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		typed <- line{text, err}
	}()
	select {
	case got := <-typed:
		return string(got.text), got.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}

func readLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("no password on standard input; pipe one in or run this on a terminal")
	}
	return line, nil
}
