package config

import (
	_ "embed"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed example.yaml
var example string

// Example is a configuration file with every setting explained. Settings that
// have a default stand there with it, the others in a comment.
func Example() string { return example }

// Print writes the effective settings as YAML that Load reads again, in the
// order of Settings. Secrets are masked as "***".
func (c Config) Print(w io.Writer) error {
	c = c.withoutSecretsOfFiles()
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, l := range table {
		parent, name := root, l.key
		if group, rest, nested := strings.Cut(l.key, "."); nested {
			parent, name = child(root, group), rest
		}
		parent.Content = append(parent.Content, scalar(textTag, name), c.node(l))
	}
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return err
	}
	return encoder.Close()
}

// child gives the mapping under name, which is the last of root or new.
func child(root *yaml.Node, name string) *yaml.Node {
	if n := len(root.Content); n > 0 && root.Content[n-2].Value == name {
		return root.Content[n-1]
	}
	group := &yaml.Node{Kind: yaml.MappingNode}
	root.Content = append(root.Content, scalar(textTag, name), group)
	return group
}

// node gives the value of l as YAML.
func (c *Config) node(l leaf) *yaml.Node {
	value := l.show(l.get(c))
	switch l.tag {
	case listTag:
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, word := range strings.Fields(value) {
			list.Content = append(list.Content, scalar(textTag, word))
		}
		return list
	case mapTag:
		pairs := &yaml.Node{Kind: yaml.MappingNode}
		for _, s := range c.Scopes {
			pairs.Content = append(pairs.Content, scalar(textTag, s.Name), scalar(textTag, s.Description))
		}
		return pairs
	}
	return scalar(l.tag, value)
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}
