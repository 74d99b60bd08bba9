package main

import (
	"bufio"
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
func (a *app) newPassword() (string, error) {
	password, err := a.readPassword()
	if err != nil {
		return "", err
	}
	return password, server.CheckNewPassword(password)
}

func (a *app) readPassword() (string, error) {
	file, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return readLine(a.stdin)
	}
	first, err := a.ask(file, "New password: ")
	if err != nil {
		return "", err
	}
	second, err := a.ask(file, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return first, nil
}

func (a *app) ask(terminal *os.File, prompt string) (string, error) {
	fmt.Fprint(a.stderr, prompt)
	answer, err := term.ReadPassword(int(terminal.Fd()))
	fmt.Fprintln(a.stderr)
	return string(answer), err
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
