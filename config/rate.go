package config

import (
	"strconv"
	"strings"
	"time"
)

// Rate is how often something may happen: Burst times at once, all of which are back after Per. The
// zero Rate is no limit.
type Rate struct {
	Burst int
	Per   time.Duration
}

// Limits are the rates at which passwords may be guessed, and clients may ask.
type Limits struct {
	// Account bounds wrong passwords for one account from where its user has not logged in before.
	Account Rate

	// KnownPlace bounds wrong passwords for one account from an address, or in a browser, where its
	// user has.
	KnownPlace Rate

	// Address bounds wrong passwords from one address, for whatever accounts.
	Address Rate

	// Signup bounds the users who sign up from one address.
	Signup Rate

	// Client bounds the requests of one client to one server.
	Client Rate
}

const (
	noRate    = "off"
	mostBurst = 1_000_000
	mostPer   = 30 * 24 * time.Hour
)

var rate = form[Rate]{textTag, parseRate, formatRate}

func parseRate(s string) (Rate, error) {
	s = strings.TrimSpace(s)
	if s == noRate {
		return Rate{}, nil
	}
	burst, per, _ := strings.Cut(s, "/")
	n, notNumber := strconv.Atoi(burst)
	d, notDuration := time.ParseDuration(per)
	switch {
	case notNumber != nil || notDuration != nil:
		return Rate{}, Problem{What: quote(s) + " is not a rate", Remedy: "write how many at once, and after how long all of them are back, such as 10/15m; or off"}
	case n < 1 || n > mostBurst:
		return Rate{}, Problem{What: quote(s) + " allows too few or too many", Remedy: "write a number from 1 to 1000000 before the /, or off for no limit"}
	case d < time.Second || d > mostPer:
		return Rate{}, Problem{What: quote(s) + " is too short or too long", Remedy: "write a time from 1s to 720h behind the /"}
	}
	return Rate{n, d}, nil
}

func formatRate(r Rate) string {
	if r == (Rate{}) {
		return noRate
	}
	return strconv.Itoa(r.Burst) + "/" + formatDuration(r.Per)
}
