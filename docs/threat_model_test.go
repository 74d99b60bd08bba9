package docs_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// threatSections are those of both RFCs that describe a threat, or what counters it, in their order.
var threatSections = map[string][]string{
	"RFC 9700": {
		"3 A1", "3 A2", "3 A3", "3 A4", "3 A5",
		"4.1.1", "4.1.2", "4.1.3", "4.2.1", "4.2.2", "4.2.3", "4.2.4", "4.3.1", "4.3.2", "4.4.1", "4.4.2.1", "4.4.2.2",
		"4.5.1", "4.5.2", "4.5.3.1", "4.5.3.2", "4.5.3.3", "4.5.4", "4.6", "4.7", "4.8", "4.9.1", "4.9.2",
		"4.10.1", "4.10.2", "4.10.3", "4.11.1", "4.11.2", "4.12", "4.13", "4.14.1", "4.14.2", "4.15", "4.16",
		"4.17.1.1", "4.17.1.2", "4.17.1.3",
	},
	"RFC 6819": {
		"4.1.1", "4.1.2", "4.1.3", "4.1.4", "4.1.5", "4.2.1", "4.2.2", "4.2.3", "4.2.4", "4.3.1", "4.3.2", "4.3.3", "4.3.4", "4.3.5",
		"4.4.1.1", "4.4.1.2", "4.4.1.3", "4.4.1.4", "4.4.1.5", "4.4.1.6", "4.4.1.7", "4.4.1.8", "4.4.1.9", "4.4.1.10", "4.4.1.11",
		"4.4.1.12", "4.4.1.13", "4.4.2.1", "4.4.2.2", "4.4.2.3", "4.4.2.4", "4.4.2.5", "4.4.2.6",
		"4.4.3.1", "4.4.3.2", "4.4.3.3", "4.4.3.4", "4.4.3.5", "4.4.3.6", "4.4.4", "4.5.1", "4.5.2", "4.5.3", "4.5.4",
		"4.6.1", "4.6.2", "4.6.3", "4.6.4", "4.6.5", "4.6.6", "4.6.7",
	},
}

// threat is a row of threat-model.md.
type threat struct {
	section string // such as "RFC 9700 §4.1.1"; otherwise what the threat is
	code    []reference
	test    []reference
}

// reference is a file, and what it has to have: functions and types, or tests and their cases.
type reference struct {
	file  string
	names []string
}

func readThreats(t *testing.T) (list []threat) {
	t.Helper()
	inTable := false
	for line := range strings.Lines(read(t, "threat-model.md")) {
		line = strings.TrimSpace(line)
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		switch {
		case strings.HasSuffix(line, "| countermeasure | code | test |"):
			inTable = true
		case !strings.HasPrefix(line, "|"):
			inTable = false
		case inTable && !strings.HasPrefix(line, "|--"):
			if len(cells) < 4 {
				t.Fatalf("threat-model.md: this row has %d cells: %s", len(cells), line)
			}
			code, test := cells[len(cells)-2], cells[len(cells)-1]
			list = append(list, threat{strings.TrimSpace(cells[0]), readReferences(code), readReferences(test)})
		}
	}
	return list
}

// readReferences reads "`file`: `name`, `name`; `file`: `name`".
func readReferences(cell string) (list []reference) {
	for part := range strings.SplitSeq(cell, ";") {
		var r reference
		for i, found := range quoted.FindAllStringSubmatch(part, -1) {
			if i == 0 {
				r.file = found[1]
			} else {
				r.names = append(r.names, found[1])
			}
		}
		list = append(list, r)
	}
	return list
}

// missing is what the file has not of what was promised. A name that begins with Test or Fuzz is a function; one with a
// number in front is the beginning of a case's name; any other is declared in the file.
func (r reference) missing(t *testing.T) (names []string) {
	text := read(t, filepath.Join("..", r.file))
	for _, name := range r.names {
		pattern := `(?m)^(func (\([^)]*\) )?|type |var |const )` + regexp.QuoteMeta(name) + `\b`
		if strings.Contains(name, "-") {
			pattern = `"` + regexp.QuoteMeta(name)
		}
		if !regexp.MustCompile(pattern).MatchString(text) {
			names = append(names, name)
		}
	}
	return names
}

// Every threat of both RFCs is there once, with code that exists and a test that exists.
func TestThreatModel(t *testing.T) {
	seen := map[string]int{}
	for _, row := range readThreats(t) {
		seen[row.section]++
		for what, references := range map[string][]reference{"code": row.code, "test": row.test} {
			for _, r := range references {
				if r.file == "" {
					t.Errorf("%s names no %s", row.section, what)
				} else if missing := r.missing(t); len(missing) > 0 {
					t.Errorf("%s: %s has no %q", row.section, r.file, missing)
				}
				if isTest := strings.Contains(r.file, "_test.go") || strings.Contains(r.file, "storetest/"); isTest != (what == "test") {
					t.Errorf("%s: %s stands under %s", row.section, r.file, what)
				}
			}
		}
	}
	for document, sections := range threatSections {
		for _, section := range sections {
			name := fmt.Sprintf("%s §%s", document, section)
			if seen[name] != 1 {
				t.Errorf("threat-model.md has %d rows about %s", seen[name], name)
			}
			delete(seen, name)
		}
	}
	for name := range seen {
		if strings.HasPrefix(name, "RFC ") {
			t.Errorf("threat-model.md is about %s, which describes no threat", name)
		}
	}
}
