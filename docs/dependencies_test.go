package docs_test

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tables of dependencies.md.
const (
	inBinary   = "In the binary"
	behindThem = "In the binary, behind those"
	inScopes   = "In a service that imports `scopes`"
	inTests    = "In tests only"
	inNone     = "In no binary of ours"
)

// goModule is what "go list -m -json" says of one.
type goModule struct {
	Path, Version, Dir string
	Main, Indirect     bool
	Time               *time.Time
}

// release is the version and when it came out, as the page writes it. The month is missing where the module cache has it not.
func (m goModule) release() string {
	if m.Time == nil {
		return m.Version + ", "
	}
	return m.Version + m.Time.UTC().Format(", 2006-01")
}

// dependencyPage has the rows of each table of dependencies.md: the cells by module.
type dependencyPage map[string]map[string][]string

func readDependencies(t *testing.T) dependencyPage {
	t.Helper()
	page := dependencyPage{}
	for section := range strings.SplitSeq(read(t, "dependencies.md"), "\n## ") {
		heading, text, _ := strings.Cut(section, "\n")
		rows, last := map[string][]string{}, ""
		for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*) \\|$").FindAllStringSubmatch(text, -1) {
			if row[1] < last && heading != inScopes {
				t.Errorf("dependencies.md, %q: %s stands behind %s; the order is that of go.mod", heading, row[1], last)
			}
			if rows[row[1]] != nil {
				t.Errorf("dependencies.md, %q: %s is there twice", heading, row[1])
			}
			last, rows[row[1]] = row[1], strings.Split(row[2], " | ")
		}
		if len(rows) > 0 {
			page[heading] = rows
		}
	}
	return page
}

// goJSON runs the go command, without the network, and decodes what it prints one value after the other.
func goJSON[T any](t *testing.T, args ...string) (values []T) {
	t.Helper()
	cmd := command(t, "..", "go", args...)
	cmd.Env = append(cmd.Env, "GOPROXY=off", "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0") // as the binary that is shipped
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %q: %v", args, err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var v T
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}

// dependencies gives the modules that a package is built of, each with those whose packages import it.
func dependencies(t *testing.T, pkg string) map[string][]string {
	t.Helper()
	type goPackage struct {
		ImportPath string
		Imports    []string
		Module     *goModule
	}
	packages := goJSON[goPackage](t, "list", "-deps", "-json=ImportPath,Imports,Module", pkg)
	module := map[string]string{}
	for _, p := range packages {
		if p.Module != nil && !p.Module.Main {
			module[p.ImportPath] = p.Module.Path
		}
	}
	found := map[string][]string{}
	for _, p := range packages {
		from := module[p.ImportPath] // none: our own
		if from != "" && found[from] == nil {
			found[from] = []string{}
		}
		for _, imported := range p.Imports {
			if m := module[imported]; m != "" && from != "" && from != m && !slices.Contains(found[m], from) {
				found[m] = append(found[m], from)
			}
		}
	}
	return found
}

// requirement is a module of go.mod, and in which table it has to stand.
type requirement struct {
	goModule
	table   string
	parents []string // the modules that import it
}

func requirements(t *testing.T) []requirement {
	t.Helper()
	type file struct {
		Require []goModule
	}
	linked := dependencies(t, "./cmd/grantd")
	required := goJSON[file](t, "mod", "edit", "-json")[0].Require
	args := []string{"list", "-m", "-json"}
	for _, m := range required {
		args = append(args, m.Path)
	}
	var list []requirement
	for _, m := range goJSON[goModule](t, args...) {
		r := requirement{goModule: m}
		parents, isLinked := linked[m.Path]
		switch r.parents = parents; {
		case isLinked && m.Indirect:
			r.table = behindThem
		case isLinked:
			r.table = inBinary
		case m.Indirect:
			r.table = inNone
		default:
			r.table = inTests
		}
		list = append(list, r)
	}
	return list
}

// line is what dependencies.md has to say of a module, with the reasons that it has already.
func (r requirement) line(licence string, cells []string) string {
	switch r.table {
	case behindThem:
		return fmt.Sprintf("| `%s` | %s | %s | %s |", r.Path, r.release(), licence, r.comesWith())
	case inNone:
		return fmt.Sprintf("| `%s` | (what it comes with: go mod why -m %s) |", r.Path, r.Path)
	}
	reasons := "(what it is for) | (why it and not another)"
	if len(cells) == 4 {
		reasons = cells[2] + " | " + cells[3]
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |", r.Path, r.release(), licence, reasons)
}

func (r requirement) comesWith() string {
	return "`" + strings.Join(slices.Sorted(slices.Values(r.parents)), "`, `") + "`"
}

// holds says whether a row of the page is true.
func (r requirement) holds(cells []string, licence string) bool {
	if r.table == inNone {
		return true
	}
	if wide := r.table != behindThem; wide && len(cells) != 4 || !wide && len(cells) != 3 {
		return false
	}
	return strings.HasPrefix(cells[0], r.release()) && cells[1] == licence && (r.table != behindThem || cells[2] == r.comesWith())
}

// Every module of go.mod stands in the table where it belongs, with its release and its licence, and nothing else does.
func TestDependencies(t *testing.T) {
	page := readDependencies(t)
	for _, r := range requirements(t) {
		licence := ""
		if r.table != inNone {
			licence = licenceOf(t, r.goModule)
		}
		switch cells, ok := page[r.table][r.Path]; {
		case !ok:
			t.Errorf("dependencies.md lacks a module. Write under %q:\n%s", r.table, r.line(licence, nil))
		case !r.holds(cells, licence):
			t.Errorf("dependencies.md is wrong about %s. Write under %q:\n%s", r.Path, r.table, r.line(licence, cells))
		}
		delete(page[r.table], r.Path)
	}
	for table, rows := range page {
		for path := range rows {
			if table != inScopes {
				t.Errorf("dependencies.md has %s under %q, where it does not belong: delete the line", path, table)
			}
		}
	}
}

// A service that imports scopes gets what the page says.
func TestDependenciesOfScopes(t *testing.T) {
	got := slices.Sorted(maps.Keys(readDependencies(t)[inScopes]))
	if want := slices.Sorted(maps.Keys(dependencies(t, "./scopes"))); !slices.Equal(got, want) {
		t.Errorf("dependencies.md says that scopes comes with %q, it comes with %q", got, want)
	}
}

// What the tables go by, the go command's list, is what the linker notes in the binary.
func TestDependenciesAreLinked(t *testing.T) {
	info, err := buildinfo.ReadFile(grantd(t))
	if err != nil {
		t.Fatal(err)
	}
	var noted []string
	for _, m := range info.Deps {
		noted = append(noted, m.Path)
	}
	if listed := slices.Sorted(maps.Keys(dependencies(t, "./cmd/grantd"))); !slices.Equal(noted, listed) {
		t.Errorf("in the binary are\n%q\nlisted are\n%q", noted, listed)
	}
}
