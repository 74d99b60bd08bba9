package config

import (
	"maps"
	"slices"
)

// Sources are where settings come from, weakest first.
type Sources struct {
	Base    Config            // Default or Dev
	File    string            // path of a YAML file; empty means none
	Environ []string          // as of os.Environ; only GRANTD_… and CREDENTIALS_DIRECTORY count
	Flags   map[string]string // by Setting.Key, only those given
}

// Unread is the error of Load for a file that cannot be opened or parsed. What
// it would have set is not known, so that nothing said about the settings would
// be true.
type Unread struct{ Problems }

// Unwrap gives the problems with the file.
func (u Unread) Unwrap() error { return u.Problems }

// Load merges the sources. The error, if any, is Problems: everything that is
// wrong in all of them, in one go; or Unread. Whether the result is safe to
// serve is for Check.
func Load(s Sources) (Config, error) {
	c := s.Base
	var p Problems
	if s.File != "" {
		problems, err := readFile(&c, s.File)
		if err != nil {
			return c, err
		}
		p = append(p, problems...)
	}
	p = append(p, readEnviron(&c, s.Environ)...)
	p = append(p, readFlags(&c, s.Flags)...)
	p = append(p, takeSecrets(&c, s.Base, s.Environ)...)
	return c, p.err()
}

// readFlags sets what the command line gave, in a fixed order.
func readFlags(c *Config, flags map[string]string) (p Problems) {
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		where := "--" + flagName(key)
		if l, ok := find(key); ok {
			p.addError(where, l.set(c, flags[key]))
		} else {
			p.add(where, "unknown flag", didYouMean("--"+flagName(nearest(key, leafKeys()))))
		}
	}
	return p
}
