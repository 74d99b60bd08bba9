package main

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

const self = "github.com/grantd/grantd"

// bom is the list for scanners.
func (p *program) bom() *cdx.BOM {
	bom := cdx.NewBOM()
	bom.SerialNumber = p.serial()
	application := cdx.Component{
		BOMRef: self, Type: cdx.ComponentTypeApplication, Name: "grantd", Version: p.version, PackageURL: purl(self, "v"+p.version),
		Hashes:     &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(p.sum[:])}},
		Properties: &[]cdx.Property{{Name: "grantd:commit", Value: p.commit}, {Name: "grantd:platform", Value: p.platform}},
	}
	bom.Metadata = &cdx.Metadata{Component: &application}

	std := cdx.Component{
		BOMRef: "std", Type: cdx.ComponentTypeLibrary, Name: "std", Version: p.goVersion, PackageURL: purl("std", p.goVersion),
		Description: "the Go runtime and standard library", Licenses: licences("BSD-3-Clause"),
	}
	components := []cdx.Component{std}
	root := append([]string{"std"}, p.direct...)
	graph := []cdx.Dependency{{Ref: self, Dependencies: &root}, {Ref: "std"}}
	for _, m := range p.modules {
		components = append(components, m.component())
		graph = append(graph, cdx.Dependency{Ref: m.path, Dependencies: &m.imports})
	}
	bom.Components, bom.Dependencies = &components, &graph
	return bom
}

// serial is a UUID (RFC 9562 §5.8, of our own making) that the binary's hash decides.
func (p *program) serial() string {
	u := p.sum
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

func (m module) component() cdx.Component {
	c := cdx.Component{
		BOMRef: m.path, Type: cdx.ComponentTypeLibrary, Name: m.path, Version: m.version, PackageURL: purl(m.path, m.version),
		Licenses: licences(m.licence),
		// Not among the hashes: it is no SHA-256 of a file that somebody could compare.
		Properties: &[]cdx.Property{{Name: "grantd:go.sum", Value: m.h1}},
	}
	if m.foreign != nil {
		c.Components = &m.foreign
	}
	return c
}

// purl is a package URL: https://github.com/package-url/purl-spec, type golang, whose names are in lower case.
func purl(path, version string) string {
	return "pkg:golang/" + strings.ToLower(path) + "@" + strings.ReplaceAll(url.PathEscape(version), "+", "%2B")
}

// licences is one identifier or an expression of SPDX.
func licences(expression string) *cdx.Licenses {
	if strings.Contains(expression, " ") {
		return &cdx.Licenses{{Expression: expression}}
	}
	return &cdx.Licenses{{License: &cdx.License{ID: expression}}}
}

// foreignCode is what modules carry in another language, whose weaknesses are reported under its own name. Where its version
// stands: in the file, by the expression.
var foreignCode = map[string]struct {
	file    string
	version *regexp.Regexp
	made    func(version string) cdx.Component
}{
	"modernc.org/sqlite": {"lib/sqlite.go", regexp.MustCompile(`const SQLITE_VERSION = "([0-9.]+)"`), func(version string) cdx.Component {
		return cdx.Component{
			Name: "SQLite", PackageURL: "pkg:generic/sqlite@" + version, Licenses: licences("blessing"),
			CPE: "cpe:2.3:a:sqlite:sqlite:" + version + ":*:*:*:*:*:*:*",
		}
	}},
	"github.com/swaggest/swgui": {"Makefile", regexp.MustCompile(`SWAGGER_UI_VERSION_V5 := v([0-9.]+)`), func(version string) cdx.Component {
		return cdx.Component{Name: "Swagger UI", PackageURL: "pkg:npm/swagger-ui-dist@" + version, Licenses: licences("Apache-2.0")}
	}},
}

// readForeign finds the code of another language in each module.
func (p *program) readForeign() error {
	for i, m := range p.modules {
		code, ok := foreignCode[m.path]
		if !ok {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.dir, code.file))
		if err != nil {
			return err
		}
		found := code.version.FindSubmatch(text)
		if found == nil {
			return fmt.Errorf("%s of %s does not say which version of other code it carries", code.file, m.path)
		}
		c := code.made(string(found[1]))
		c.Type, c.Version, c.BOMRef = cdx.ComponentTypeLibrary, string(found[1]), c.PackageURL
		p.modules[i].foreign = []cdx.Component{c}
	}
	return nil
}
