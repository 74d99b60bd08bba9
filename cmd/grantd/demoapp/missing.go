package demoapp

import (
	"regexp"
	"slices"
	"strings"
)

// scopeWords are the API's scopes as the issuer words them when it asks.
var scopeWords = map[string]string{
	"me": "Read your profile", "items": "Read your items", "items:write": "Create items in your name",
}

// challengeScope is the parameter of a challenge that names what a request needs
// (RFC 6750 §3). No scope has a quote or a backslash in it.
var challengeScope = regexp.MustCompile(`[ ,]scope="([^"\\]*)"`)

// missing are the scopes that a challenge names and that people did not allow. What
// the app knows nothing of it does not ask for.
func missing(challenge, granted string) []string {
	needs := challengeScope.FindStringSubmatch(challenge)
	if needs == nil {
		return nil
	}
	return without(known(needs[1]), strings.Fields(granted))
}

// known are the scopes of a list that the app may ask for.
func known(list string) []string {
	return slices.DeleteFunc(strings.Fields(list), func(name string) bool { return !slices.Contains(allScope, name) })
}

func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// list names scopes in a sentence, in words where there are some.
func list(names []string, words map[string]string) string {
	said := make([]string, len(names))
	for i, name := range names {
		said[i] = name
		if text := words[name]; text != "" {
			said[i] = "“" + text + "”"
		}
	}
	return strings.Join(said, " and ")
}
