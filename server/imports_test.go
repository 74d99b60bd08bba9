package server_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module  = "github.com/grantd/grantd"
	goOAuth = "github.com/go-oauth2/oauth2/v4"
)

var drivers = []string{"database/sql", "modernc.org/sqlite", "github.com/jackc/pgx", "github.com/lib/pq", "github.com/mattn/go-sqlite3"}

// folders are all that have Go files, with what their packages must not import:
// the table of docs/architecture.md. A path stands for what is below it too.
var folders = map[string][]string{
	"cmd/grantd":             append([]string{"github.com/gorilla/mux", goOAuth}, drivers...),
	"cmd/grantd/bench":       append([]string{module + "/config", goOAuth}, drivers...),
	"cmd/grantd/demoapp":     {module},
	"cmd/grantd/doctor":      append([]string{module, goOAuth}, drivers...),
	"config":                 {module + "/server", module + "/store", "net/http", goOAuth},
	"docs":                   {module},
	"scopes":                 {module, goOAuth},
	"server":                 append([]string{module + "/config", "os"}, drivers...),
	"server/authreq":         append([]string{module, "net/http", "os", goOAuth}, drivers...),
	"server/pages":           append([]string{module, "net/http", "os", goOAuth}, drivers...),
	"server/reason":          append([]string{module + "/server", module + "/store", module + "/config", "net/http", "os", goOAuth}, drivers...),
	"server/resource":        append([]string{module + "/config", "os", goOAuth, "github.com/gorilla/mux"}, drivers...),
	"server/telemetry":       append([]string{module, goOAuth}, drivers...),
	"server/token":           append([]string{module + "/config", module + "/store", "net/http", "os", goOAuth}, drivers...),
	"store":                  {module + "/server", module + "/config", module + "/scopes", "net/http", goOAuth},
	"store/storetest/pgtest": {module},
	"store/storetest":        {module + "/server", module + "/config", module + "/scopes", "net/http", goOAuth},
}

// only is for packages that may import nothing else from outside the standard library.
var only = map[string][]string{
	"scopes": {"github.com/golang-jwt/jwt/v5", "github.com/MicahParks/jwkset"},
}

func TestImports(t *testing.T) {
	imports := readImports(t, "..")
	if got, want := slices.Sorted(maps.Keys(imports)), slices.Sorted(maps.Keys(folders)); !slices.Equal(got, want) {
		t.Errorf("folders with Go files\n %q, agreed are\n %q", got, want)
	}
	for folder, imported := range imports {
		for _, p := range imported {
			if slices.ContainsFunc(folders[folder], func(root string) bool { return within(p, root) }) {
				t.Errorf("%s imports %s", folder, p)
			}
			if list, ok := only[folder]; ok && strings.Contains(strings.Split(p, "/")[0], ".") && !slices.Contains(list, p) {
				t.Errorf("%s imports %s", folder, p)
			}
		}
	}
	// The router of a resource service knows nothing of the authorization server.
	if slices.ContainsFunc(imports["server/resource"], func(p string) bool { return within(p, module+"/server") && p != module+"/server/reason" }) {
		t.Error("server/resource imports server")
	}
	// Whatever watches knows nothing of what is watched, and the other way round.
	for folder, imported := range imports {
		for _, p := range imported {
			if folder != "server/telemetry" && (within(p, "github.com/prometheus") || within(p, "go.opentelemetry.io")) {
				t.Errorf("%s imports %s", folder, p)
			}
		}
	}
	// Of go-oauth2 the protocol alone; its stock parts have the weaknesses of stock_test.go.
	engine := slices.DeleteFunc(slices.Clone(imports["server"]), func(p string) bool { return !within(p, goOAuth) })
	if want := []string{goOAuth, goOAuth + "/errors", goOAuth + "/models", goOAuth + "/server"}; !slices.Equal(engine, want) {
		t.Errorf("server imports %q of go-oauth2, want %q", engine, want)
	}
}

func within(p, root string) bool { return p == root || strings.HasPrefix(p, root+"/") }

// readImports gives what each folder's Go files import, tests left out.
func readImports(t *testing.T, root string) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := d.Name(); d.IsDir() && (base == "testdata" || base != ".." && strings.HasPrefix(base, ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		folder := path.Dir(filepath.ToSlash(relative))
		found := imports[folder]
		if !strings.HasSuffix(name, "_test.go") {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, spec := range file.Imports {
				p, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				found = append(found, p)
			}
		}
		slices.Sort(found)
		imports[folder] = slices.Compact(found)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}
