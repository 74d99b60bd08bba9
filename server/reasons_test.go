package server_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// No refusal is without a reason: constructors take one, and literals name it.
func TestEachRefusalHasAReason(t *testing.T) {
	literals := 0
	for _, folder := range []string{".", "resource"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if lit, ok := n.(*ast.CompositeLit); ok && isRefusal(lit) {
					literals++
					if !hasKey(lit, "reason") {
						t.Errorf("%s: a refusal without a reason", set.Position(lit.Pos()))
					}
				}
				return true
			})
		}
	}
	if literals < 8 {
		t.Errorf("%d refusals were found", literals)
	}
}

func isRefusal(lit *ast.CompositeLit) bool {
	name, ok := lit.Type.(*ast.Ident)
	return ok && (name.Name == "Error" || name.Name == "refusal")
}

// hasKey is whether a literal sets a field, in whatever letter case, to anything but nothing.
func hasKey(lit *ast.CompositeLit, field string) bool {
	for _, elt := range lit.Elts {
		pair, ok := elt.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, named := pair.Key.(*ast.Ident)
		text, literal := pair.Value.(*ast.BasicLit)
		if named && strings.EqualFold(key.Name, field) && (!literal || text.Value != `""`) {
			return true
		}
	}
	return false
}
