package scopes_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A stranger learns the package from its examples, so each exported name appears in one.
func TestEachExportedNameIsShown(t *testing.T) {
	var examples string
	for _, name := range must(filepath.Glob("example*_test.go")) {
		examples += string(must(os.ReadFile(name)))
	}
	for _, name := range must(filepath.Glob("*.go")) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file := must(parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments))
		for _, decl := range file.Decls {
			for _, declared := range names(decl) {
				if ast.IsExported(declared) && !regexp.MustCompile(`\b`+declared+`\b`).MatchString(examples) {
					t.Errorf("%s: %s is in no example", name, declared)
				}
			}
		}
	}
}

// names gives what a declaration declares, fields of structs and methods of internal types left out.
func names(decl ast.Decl) (declared []string) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if public(n) {
				declared = append(declared, n.Name.Name)
			}
			return false
		case *ast.TypeSpec:
			declared = append(declared, n.Name.Name)
			return false
		case *ast.ValueSpec:
			for _, name := range n.Names {
				declared = append(declared, name.Name)
			}
			return false
		}
		return true
	})
	return declared
}

func public(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	receiver := f.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	if generic, ok := receiver.(*ast.IndexExpr); ok {
		receiver = generic.X
	}
	return ast.IsExported(receiver.(*ast.Ident).Name)
}
