package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxFileBytes bounds a configuration file. Real ones have a few kilobytes.
const maxFileBytes = 1 << 20

// readFile sets what the YAML file at path says, and lists what is wrong there.
// The error, if any, is Unread.
func readFile(c *Config, path string) (Problems, error) {
	data, err := readAtMost(path, maxFileBytes)
	if err != nil {
		return nil, Unread{Problems{{path, err.Error(), "name a readable YAML file with --config or GRANTD_CONFIG"}}}
	}
	root, problem := parseYAML(data)
	if problem != nil {
		problem.Where = path + problem.Where
		return nil, Unread{Problems{*problem}}
	}
	w := walker{path: path, into: c, seen: map[string]int{}}
	w.document(root)
	if root != nil && root.Kind != yaml.MappingNode && !isNull(root) {
		return nil, Unread{w.problems}
	}
	return w.problems, nil
}

// readAtMost reads a whole file that has no more than most bytes.
func readAtMost(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, cause(err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("the file is over %d bytes", most)
	}
	return data, nil
}

// cause takes the path off an error of os: the message names it already.
func cause(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("cannot %s it: %w", p.Op, p.Err)
	}
	return err
}

// parseYAML gives the content of the one document in data, nil when there is
// none. A problem's Where is ":LINE" or empty.
func parseYAML(data []byte) (*yaml.Node, *Problem) {
	if !utf8.Valid(data) {
		return nil, &Problem{What: "the file is not UTF-8 text", Remedy: "save it as UTF-8"}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxProblem(err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, &Problem{
			Where:  fmt.Sprintf(":%d", second.Line),
			What:   "a second YAML document begins",
			Remedy: "keep all settings in one document, without ---",
		}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxProblem(err)
	}
	return first.Content[0], nil
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// syntaxProblem restates an error of the YAML library.
func syntaxProblem(err error) *Problem {
	p := Problem{What: "the file is not valid YAML", Remedy: "check indentation, colons and quotes"}
	m := yamlError.FindStringSubmatch(err.Error())
	if m == nil {
		return &p
	}
	if m[1] != "" {
		p.Where = ":" + m[1]
	}
	// The library names the anchor, which is a secret that begins with '*'.
	if strings.HasPrefix(m[2], "unknown anchor") {
		p.What, p.Remedy = "an alias stands where a value is due", quoteRemedy
	} else {
		p.What += ": " + m[2]
	}
	return &p
}
