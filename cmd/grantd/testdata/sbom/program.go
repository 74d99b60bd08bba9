package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// program is a binary, and what it was linked of.
type program struct {
	version, commit string
	goVersion       string // without "go"
	platform        string // GOOS/GOARCH
	sum             [sha256.Size]byte
	goRoot          string
	modules         []module // in the order of their paths
	direct          []string // those that grantd's own packages import
}

type module struct {
	path, version string
	h1            string // as go.sum has it: the hash of a list of hashes of files
	licence       string // an SPDX expression
	dir           string // in the module cache
	imports       []string
	foreign       []cdx.Component
}

// readProgram reads what the linker noted in a binary, and looks the rest up in the tree that it was built from.
func readProgram(binary, sources string) (program, error) {
	text, err := os.ReadFile(binary)
	if err != nil {
		return program{}, err
	}
	info, err := buildinfo.Read(bytes.NewReader(text))
	if err != nil {
		return program{}, fmt.Errorf("%s: %w", binary, err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	p := program{
		goVersion: strings.TrimPrefix(info.GoVersion, "go"), platform: settings["GOOS"] + "/" + settings["GOARCH"], sum: sha256.Sum256(text),
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			return program{}, fmt.Errorf("%s is replaced by %s: who gets the binary cannot know it", m.Path, m.Replace.Path)
		}
		p.modules = append(p.modules, module{path: m.Path, version: m.Version, h1: m.Sum})
	}
	for _, step := range []func() error{
		func() error { return p.askVersion(binary) }, func() error { return p.askGo(sources, settings) },
		func() error { return p.readLicences(sources) }, p.readForeign,
	} {
		if err := step(); err != nil {
			return program{}, err
		}
	}
	return p, nil
}

// askVersion asks the binary, which alone knows the commit.
func (p *program) askVersion(binary string) error {
	path, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	out, err := exec.Command(path, "version", "--output", "json").Output()
	if err != nil {
		return fmt.Errorf("%s version: %w", binary, err)
	}
	var said struct{ Version, Commit string }
	err = json.Unmarshal(out, &said)
	p.version, p.commit = said.Version, said.Commit
	return err
}

// goPackage is what "go list -json" says of one.
type goPackage struct {
	ImportPath string
	Imports    []string
	Module     *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// askGo finds which module imports which, and where each lies.
func (p *program) askGo(sources string, settings map[string]string) error {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	p.goRoot = strings.TrimSpace(string(root))
	packages, err := listPackages(sources, settings)
	if err != nil {
		return err
	}
	of, main := map[string]string{}, "" // a package's module
	for _, g := range packages {
		if g.Module != nil {
			of[g.ImportPath] = g.Module.Path
		}
		if g.Module != nil && g.Module.Main {
			main = g.Module.Path
		}
	}
	imports, dirs := map[string]map[string]bool{}, map[string]string{}
	for _, g := range packages {
		if g.Module == nil {
			continue
		}
		from := g.Module.Path
		if imports[from] == nil {
			imports[from] = map[string]bool{}
		}
		dirs[from+"@"+g.Module.Version] = g.Module.Dir
		for _, imported := range g.Imports {
			if to := of[imported]; to != "" && to != from {
				imports[from][to] = true
			}
		}
	}
	p.direct = slices.Sorted(maps.Keys(imports[main]))
	for i, m := range p.modules {
		p.modules[i].dir, p.modules[i].imports = dirs[m.path+"@"+m.version], slices.Sorted(maps.Keys(imports[m.path]))
		if p.modules[i].dir == "" {
			return fmt.Errorf("%s %s is in the binary, but not in what %s is made of now", m.path, m.version, sources)
		}
	}
	return nil
}

func listPackages(sources string, settings map[string]string) (list []goPackage, err error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Module", "./cmd/grantd")
	cmd.Dir, cmd.Stderr, cmd.Env = sources, os.Stderr, os.Environ()
	for _, name := range []string{"GOOS", "GOARCH", "CGO_ENABLED"} {
		cmd.Env = append(cmd.Env, name+"="+settings[name])
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var g goPackage
		if err := d.Decode(&g); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		list = append(list, g)
	}
}

var dependencyLine = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| v[^|]+ \\| ([^|]+) \\|")

// readLicences reads docs/dependencies.md, which a test compares with the licence files.
func (p *program) readLicences(sources string) error {
	text, err := os.ReadFile(filepath.Join(sources, "docs", "dependencies.md"))
	if err != nil {
		return err
	}
	licences := map[string]string{}
	for _, line := range dependencyLine.FindAllStringSubmatch(string(text), -1) {
		licences[line[1]] = line[2]
	}
	for i, m := range p.modules {
		if licences[m.path] == "" {
			return fmt.Errorf("docs/dependencies.md has no licence of %s", m.path)
		}
		p.modules[i].licence = licences[m.path]
	}
	return nil
}
