package config

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// leaf reads a value. A key without one counts as not set, as an empty
// environment variable does.
func (w *walker) leaf(l leaf, value *yaml.Node) {
	switch {
	case isNull(value):
	case value.Kind == yaml.SequenceNode && l.tag == listTag:
		w.list(l, value)
	case value.Kind == yaml.MappingNode && l.tag == mapTag:
		w.scopes(value)
	case w.isText(value, l.key):
		w.set(l, value, value.Value)
	}
}

// commentedColour: YAML takes #rrggbb for a comment on the key, so the setting would silently not count.
func (w *walker) commentedColour(l leaf, key, value *yaml.Node) {
	if written := key.LineComment; isNull(value) && colour.MatchString(written) {
		w.problem(key, l.key+": what follows the # is a comment", `put it in quotes: "`+written+`"`)
	}
}

func (w *walker) list(l leaf, value *yaml.Node) {
	var words []string
	for _, item := range value.Content {
		if !w.isPlain(item) || !w.isText(item, "an entry of "+l.key) {
			return
		}
		words = append(words, item.Value)
	}
	w.set(l, value, strings.Join(words, " "))
}

func (w *walker) scopes(value *yaml.Node) {
	var list []Scope
	for name, description := range pairs(value) {
		if len(w.problems) >= maxProblems {
			return
		}
		if !w.isPlain(name) || !w.isPlain(description) || !w.isText(name, "a scope name") {
			continue
		}
		scope := Scope{Name: name.Value}
		if !isNull(description) && w.isText(description, "a description of scopes") {
			scope.Description = strings.TrimSpace(description.Value)
		}
		var err error
		list, err = addScope(list, scope)
		w.problems.addError(w.at(name), err)
	}
	w.into.Scopes = list
}

func (w *walker) set(l leaf, n *yaml.Node, value string) {
	var p Problems
	p.addError(w.at(n), l.set(w.into, value))
	for _, one := range p {
		one.What = l.key + ": " + one.What
		w.problems = append(w.problems, one)
	}
}
