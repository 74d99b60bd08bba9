package config

import "unicode/utf8"

// A leaf is one setting and the way between its field and text. All sources
// go through set, whatever their syntax.
type leaf struct {
	key, usage string
	secret     bool
	tag        string // of the YAML node that Print writes
	get        func(*Config) string
	set        func(*Config, string) error
	show       func(string) string // what Print may show of get
}

// bind makes a leaf of one field of Config.
func bind[T any](key, usage string, f form[T], field func(*Config) *T) leaf {
	return leaf{
		key:   key,
		usage: usage,
		tag:   f.tag,
		show:  func(s string) string { return s },
		get:   func(c *Config) string { return f.format(*field(c)) },
		set: utf8Only(func(c *Config, s string) error {
			value, err := f.parse(s)
			if err == nil {
				*field(c) = value
			}
			return err
		}),
	}
}

// hidden marks the leaf as a secret.
func (l leaf) hidden() leaf {
	l.secret = true
	return l.shownAs(func(value string) string {
		if value == "" {
			return "" // says that it is not set, which operators must see
		}
		return mask
	})
}

func (l leaf) shownAs(show func(string) string) leaf {
	l.show = show
	return l
}

// utf8Only keeps out of Config what Print could not write and a log would
// garble. Only the environment and flags can bring it.
func utf8Only(set func(*Config, string) error) func(*Config, string) error {
	return func(c *Config, s string) error {
		if !utf8.ValidString(s) {
			return Problem{What: "the value is not UTF-8 text"}
		}
		return set(c, s)
	}
}

// find gives the leaf of a key.
func find(key string) (leaf, bool) {
	for _, l := range table {
		if l.key == key {
			return l, true
		}
	}
	return leaf{}, false
}
