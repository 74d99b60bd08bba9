package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	eventInCode = regexp.MustCompile(`(?:Type: |Type = |event = |Type, told\.Detail\["error"\] = slog\.LevelWarn, |used\(|"event", |summaryType = |resealEvent\()"([a-z_]+\.[a-z_]+)"`)
	eventInDocs = regexp.MustCompile("`([a-z_]+\\.[a-z_]+)`")
)

// Each event that the code makes is in the table of the document, and no other.
func TestEventsAreDocumented(t *testing.T) {
	inCode := map[string]bool{}
	for _, folder := range []string{"../server/*.go", "../cmd/grantd/*.go"} {
		files, err := filepath.Glob(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range eventInCode.FindAllStringSubmatch(string(text), -1) {
				if !strings.HasSuffix(file, "_test.go") {
					inCode[found[1]] = true
				}
			}
		}
	}
	text, err := os.ReadFile("operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Audit log\n")
	section, _, _ = strings.Cut(section, "\n## ")
	inTable := map[string]bool{"audit.went_back": true} // only in the log
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, found := range eventInDocs.FindAllStringSubmatch(cells[1], -1) {
				inTable[found[1]] = true
			}
		}
	}
	if len(inCode) < 40 {
		t.Fatalf("only %d events were found in the code", len(inCode))
	}
	for event := range inCode {
		if !inTable[event] {
			t.Errorf("%s is not in the table of operating.md", event)
		}
	}
	for event := range inTable {
		if !inCode[event] {
			t.Errorf("operating.md has %s, and the code does not", event)
		}
	}
	if !slices.Contains(strings.Fields(section), "(`audit.went_back`),") {
		t.Error("audit.went_back is not mentioned")
	}
}
