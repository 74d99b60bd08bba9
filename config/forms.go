package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// YAML tags of what Print writes.
const (
	textTag = "!!str"
	intTag  = "!!int"
	boolTag = "!!bool"
	listTag = "!!seq"
	mapTag  = "!!map"
)

// A form is how values of one type are read from text and written back.
type form[T any] struct {
	tag    string
	parse  func(string) (T, error)
	format func(T) string
}

var (
	text     = form[string]{textTag, parseText, keep}
	verbatim = form[string]{textTag, func(s string) (string, error) { return s, nil }, keep}
	truth    = form[bool]{boolTag, parseBool, strconv.FormatBool}
	duration = form[time.Duration]{textTag, parseDuration, formatDuration}
	wordList = form[[]string]{listTag, parseWords, formatWords}
	prefixes = form[[]netip.Prefix]{listTag, parsePrefixes, formatPrefixes}
)

// parseWords gives nil for no words, as Default has it.
func parseWords(s string) ([]string, error) {
	if words := strings.Fields(s); len(words) > 0 {
		return words, nil
	}
	return nil, nil
}

func formatWords(words []string) string { return strings.Join(words, " ") }

func keep(s string) string { return s }

// parseText forgives the newline that a value read from a file ends in.
func parseText(s string) (string, error) {
	return strings.TrimSpace(s), nil
}

func parseBool(s string) (bool, error) {
	switch strings.TrimSpace(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, Problem{What: quote(s) + " is neither true nor false", Remedy: "write true or false"}
}

// number is the form of whole numbers from least to most.
func number(least, most int) form[int] {
	return form[int]{intTag, func(s string) (int, error) {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < least || n > most {
			return 0, Problem{
				What:   quote(s) + " is out of range or no whole number",
				Remedy: fmt.Sprintf("write a number from %d to %d", least, most),
			}
		}
		return n, nil
	}, strconv.Itoa}
}

// ParseDuration reads a duration, such as 15m, as settings have it, for a flag that is none. The error, if any, is
// a Problem with that flag.
func ParseDuration(flag, s string) (time.Duration, error) {
	d, err := parseDuration(s)
	if err == nil {
		return d, nil
	}
	var p Problems
	p.addError(flag, err)
	return 0, p[0]
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(s))
	switch {
	case err != nil:
		return 0, Problem{What: quote(s) + " is not a duration", Remedy: "write it with units, such as 30s, 15m or 720h"}
	case d < 0:
		return 0, Problem{What: quote(s) + " is negative", Remedy: "write a duration such as 30s, 15m or 720h"}
	}
	return d, nil
}

// formatDuration writes 15m, where Duration.String writes 15m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
