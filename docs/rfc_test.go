package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	tableRow = regexp.MustCompile(`(?m)^\| RFC (\d+) §([0-9.]+) \|[^|]*\| ([^|]*) \| ([^|]*) \|$`)
	quoted   = regexp.MustCompile("`([^`]+)`")
)

// Each row of rfc.md names code that cites the section and a test that names it.
func TestStandardsTable(t *testing.T) {
	rows := tableRow.FindAllStringSubmatch(read(t, "rfc.md"), -1)
	if len(rows) < 30 {
		t.Fatalf("%d rows were found", len(rows))
	}
	for _, row := range rows {
		rfc, section := row[1], row[2]
		// "RFC 6749 §4.2" and, in its neighbourhood, "§4.2".
		cited := regexp.MustCompile(`§` + regexp.QuoteMeta(section) + `(\D|$|\.\D|\.$)`)
		for _, file := range quoted.FindAllStringSubmatch(row[3], -1) {
			text := read(t, filepath.Join("..", file[1]))
			if !strings.Contains(text, "RFC "+rfc) || !cited.MatchString(text) {
				t.Errorf("%s does not cite RFC %s §%s", file[1], rfc, section)
			}
		}
		named := regexp.MustCompile(`"` + rfc + "-" + regexp.QuoteMeta(section) + `[ .:"]`)
		for _, file := range quoted.FindAllStringSubmatch(row[4], -1) {
			if !named.MatchString(read(t, filepath.Join("..", file[1]))) {
				t.Errorf("%s has no case %s-%s", file[1], rfc, section)
			}
		}
	}
}
