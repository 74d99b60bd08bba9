package authreq

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Prompt says what the app wants people to be asked (OpenID Connect Core §3.1.2.1).
type Prompt struct{ None, Login, Consent, SelectAccount bool }

// ParsePrompt reads the parameter prompt: names parted by spaces, none of them unknown.
func ParsePrompt(s string) (p Prompt, err error) {
	names := strings.Fields(s)
	for _, name := range names {
		switch name {
		case "none":
			p.None = true
		case "login":
			p.Login = true
		case "consent":
			p.Consent = true
		case "select_account":
			p.SelectAccount = true
		default:
			return p, errors.New("prompt has a value that this server does not know; use none, login, consent or select_account")
		}
	}
	if p.None && len(names) > 1 {
		return p, errors.New("prompt=none goes with no other value")
	}
	return p, nil
}

// String is the value of the parameter.
func (p Prompt) String() string {
	var names []string
	for _, is := range []struct {
		set  bool
		name string
	}{{p.None, "none"}, {p.Login, "login"}, {p.Consent, "consent"}, {p.SelectAccount, "select_account"}} {
		if is.set {
			names = append(names, is.name)
		}
	}
	return strings.Join(names, " ")
}

// AnyAge is the max_age of a request that has none.
const AnyAge time.Duration = -1

// ParseMaxAge reads the parameter max_age: seconds since a person proved who they are
// (OpenID Connect Core §3.1.2.1). Without it the age may be any: AnyAge.
func ParseMaxAge(s string) (time.Duration, error) {
	if s == "" {
		return AnyAge, nil
	}
	seconds, err := strconv.ParseUint(s, 10, 32)
	if err != nil || s[0] == '+' {
		return 0, errors.New("max_age is not a number of seconds")
	}
	return time.Duration(seconds) * time.Second, nil
}

// ValidResource reports whether s may name a resource: an absolute URI without a
// fragment (RFC 8707 §2).
func ValidResource(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && !strings.Contains(s, "#")
}
