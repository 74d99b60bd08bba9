package reason_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/grantd/grantd/server/reason"
)

// constants gives the words of all constants of the package by their names.
func constants(t *testing.T) map[string]reason.Word {
	t.Helper()
	found := map[string]reason.Word{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Word" {
				word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				found[spec.Names[0].Name] = reason.Word(word)
			}
			return true
		})
	}
	return found
}

func TestEachWordHasOneEntry(t *testing.T) {
	seen := map[reason.Word]bool{}
	for _, g := range reason.Groups() {
		for _, e := range g.Entries {
			if seen[e.Word] {
				t.Errorf("%s is there twice", e.Word)
			}
			seen[e.Word] = true
		}
	}
	words := constants(t)
	if len(words) < 100 || len(words) != len(seen) {
		t.Errorf("%d constants, %d entries", len(words), len(seen))
	}
	for name, word := range words {
		if _, ok := reason.Find(word); !ok {
			t.Errorf("%s has no entry", name)
		}
	}
}

// An entry is read by people, and its words by programs.
func TestEntriesAreWellFormed(t *testing.T) {
	word, answer := regexp.MustCompile(`^[a-z]+(_[a-z0-9]+)*$`), regexp.MustCompile(`^[245]\d\d [a-z]+(_[a-z]+)*$`)
	place := regexp.MustCompile(`\{(client|user|grant)\}`)
	for _, g := range reason.Groups() {
		for _, e := range g.Entries {
			if !word.MatchString(string(e.Word)) {
				t.Errorf("word %q", e.Word)
			}
			for _, a := range e.Answers {
				if !answer.MatchString(a) {
					t.Errorf("%s: answer %q", e.Word, a)
				}
			}
			for _, text := range []string{e.What, e.Fix} {
				if !strings.HasSuffix(strings.TrimRight(text, `"`), ".") && !strings.HasSuffix(text, "?") {
					t.Errorf("%s: %q is no sentence", e.Word, text)
				}
			}
			if rest := place.ReplaceAllString(e.Fix, ""); strings.ContainsAny(rest+e.What, "{}") {
				t.Errorf("%s has a place for nothing", e.Word)
			}
		}
	}
}

func TestFill(t *testing.T) {
	e, _ := reason.Find(reason.ClientSecretWrong)
	if got := e.Fill("shop", "", ""); !strings.Contains(got, `"grantd client rotate-secret shop"`) {
		t.Errorf("%s", got)
	}
	if got := e.Fill("", "", ""); !strings.Contains(got, `"grantd client rotate-secret CLIENT"`) {
		t.Errorf("%s", got)
	}
}

func TestOfCode(t *testing.T) {
	if got := reason.OfCode("invalid_target"); len(got) != 4 {
		t.Errorf("%v", got)
	}
	if got := reason.OfCode("target"); got != nil {
		t.Errorf("%v", got)
	}
}
