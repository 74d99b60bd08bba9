package config

import (
	"errors"
	"fmt"
	"strings"
)

// Problems lists all that is wrong, in the order found.
type Problems []Problem

// Problem is one thing that is wrong. It never holds the value of a secret.
type Problem struct {
	Where  string // grantd.yaml:12, GRANTD_LISTEN, --listen or a key
	What   string // the cause
	Remedy string // what to do about it, possibly empty
}

// Error gives one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Error gives the problem in one line, "where: what; remedy".
func (p Problem) Error() string {
	line := p.What
	if p.Where != "" {
		line = p.Where + ": " + line
	}
	if p.Remedy != "" {
		line += "; " + p.Remedy
	}
	return line
}

// err gives p as an error, nil when nothing is wrong.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p *Problems) add(where, what, remedy string) {
	*p = append(*p, Problem{where, what, remedy})
}

// addError adds err, found at where, unless it is nil.
func (p *Problems) addError(where string, err error) {
	if err == nil {
		return
	}
	var found Problem
	if !errors.As(err, &found) {
		found.What = err.Error()
	}
	found.Where = where
	*p = append(*p, found)
}

// quote makes a value fit for one line of a message.
func quote(value string) string {
	const most = 80
	if len(value) > most {
		value = value[:most] + "…"
	}
	return fmt.Sprintf("%q", value)
}
