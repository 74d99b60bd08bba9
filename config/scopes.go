package config

import "strings"

// maxScopeBytes bounds the names of all scopes written as one list, which is
// what a token that holds every scope carries. The scopes package reads no more.
const maxScopeBytes = 4096

// scopesLeaf is the setting "scopes". Its text form has the names only.
func scopesLeaf(key, usage string) leaf {
	return leaf{
		key:   key,
		usage: usage,
		tag:   mapTag,
		show:  keep,
		get:   func(c *Config) string { return scopeNames(c.Scopes) },
		set:   utf8Only(setScopeNames),
	}
}

// setScopeNames replaces the scopes by the names in s. Names already described
// keep their description.
func setScopeNames(c *Config, s string) error {
	var list []Scope
	for _, name := range strings.Fields(s) {
		var err error
		list, err = addScope(list, Scope{name, describe(name, c.Scopes)})
		if err != nil {
			return err
		}
	}
	c.Scopes = list
	return nil
}

func describe(name string, known []Scope) string {
	for _, s := range append(known[:len(known):len(known)], defaultScopes()...) {
		if s.Name == name {
			return s.Description
		}
	}
	return ""
}

// addScope appends s to list, unless its name may not stand there.
func addScope(list []Scope, s Scope) ([]Scope, error) {
	names := scopeNames(list)
	switch {
	case !validScopeName(s.Name):
		return list, Problem{
			What:   quote(s.Name) + " is not a scope name",
			Remedy: `use printable ASCII without spaces, '"' and '\' (RFC 6749 §3.3)`,
		}
	case len(names)+1+len(s.Name) > maxScopeBytes:
		return list, Problem{
			What:   "the names of all scopes together are over 4096 bytes",
			Remedy: "use fewer or shorter scopes, they travel in every token",
		}
	case strings.Contains(" "+names+" ", " "+s.Name+" "):
		return list, Problem{What: "scope " + quote(s.Name) + " is there twice", Remedy: "remove one"}
	}
	return append(list, s), nil
}

// validScopeName says whether name is a scope-token of RFC 6749 §3.3:
// 1*( %x21 / %x23-5B / %x5D-7E ).
func validScopeName(name string) bool {
	for i := range len(name) {
		if b := name[i]; b < 0x21 || b > 0x7e || b == '"' || b == '\\' {
			return false
		}
	}
	return name != ""
}

func scopeNames(list []Scope) string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.Name
	}
	return strings.Join(names, " ")
}
