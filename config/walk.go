package config

import (
	"fmt"
	"iter"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// A walker carries the settings of one YAML file into a Config.
type walker struct {
	path     string
	into     *Config
	seen     map[string]int // line of each key so far
	problems Problems
}

// maxProblems ends the walk through a file that is no configuration at all.
const maxProblems = 50

const quoteRemedy = "put the value in quotes if it begins with *, & or !"

func (w *walker) document(root *yaml.Node) {
	switch {
	case root == nil || isNull(root): // comments only
	case root.Kind != yaml.MappingNode:
		w.problem(root, "the file is not a map of settings", "write lines such as listen: 127.0.0.1:8000")
	default:
		w.group("", root)
	}
	if len(w.problems) >= maxProblems {
		w.problems.add(w.path, "there may be more problems", "correct these first")
	}
}

// group reads the entries of a mapping, whose keys all begin with prefix.
func (w *walker) group(prefix string, n *yaml.Node) {
	for key, value := range pairs(n) {
		if len(w.problems) >= maxProblems {
			return
		}
		if w.isPlain(key) && w.isPlain(value) && w.isText(key, "a key") {
			w.entry(prefix+key.Value, key, value)
		}
	}
}

func (w *walker) entry(path string, key, value *yaml.Node) {
	l, isLeaf := find(path)
	isGroup := slices.Contains(groupKeys(), path)
	switch {
	case !isLeaf && !isGroup:
		w.unknown(path, key)
	case w.seen[path] != 0:
		w.problem(key, fmt.Sprintf("%s is there twice, first in line %d", path, w.seen[path]), "remove one")
	case isLeaf:
		w.seen[path] = key.Line
		w.commentedColour(l, key, value)
		w.leaf(l, value)
	default:
		w.seen[path] = key.Line
		w.descend(path, value)
	}
}

// unknown refuses a key. It shows no more of it than a key can have: in
// {master_key:abc}, where a space is missing, the key is "master_key:abc".
func (w *walker) unknown(path string, key *yaml.Node) {
	shown := keyChars.FindString(path)
	remedy, isFlag := resourceFlag(shown)
	if !isFlag {
		remedy = didYouMean(nearest(shown, append(leafKeys(), groupKeys()...)))
	}
	if shown != path {
		shown += "…"
	}
	w.problem(key, `unknown setting "`+shown+`"`, remedy)
}

var keyChars = regexp.MustCompile(`^[\w.-]{0,64}`)

func (w *walker) descend(path string, value *yaml.Node) {
	switch {
	case isNull(value): // every line of the group is a comment
	case value.Kind == yaml.MappingNode:
		w.group(path+".", value)
	default:
		w.problem(value, path+" is a group of settings, not a value", "write them below it, indented by two spaces")
	}
}

// isText reports a list or a map where text is due.
func (w *walker) isText(n *yaml.Node, what string) bool {
	switch n.Kind {
	case yaml.SequenceNode:
		w.problem(n, what+" is a list, where text is due", "write one value")
	case yaml.MappingNode:
		w.problem(n, what+" is a map, where text is due", "write one value")
	}
	return n.Kind == yaml.ScalarNode
}

// isPlain reports aliases, anchors and tags: a configuration needs none, they
// can expand without bound, and unquoted secrets turn into them silently.
func (w *walker) isPlain(n *yaml.Node) bool {
	if n.Kind != yaml.AliasNode && n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 {
		return true
	}
	w.problem(n, "YAML anchors, aliases and tags are not allowed here", quoteRemedy)
	return false
}

func (w *walker) problem(n *yaml.Node, what, remedy string) {
	w.problems.add(w.at(n), what, remedy)
}

func (w *walker) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d", w.path, n.Line) }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// pairs gives the keys and values of a mapping.
func pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}
