package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/xeipuuv/gojsonschema"
)

const sources = "../../../.."

// files are a binary of grantd, and what is written of it.
type files struct {
	binary      string
	list, texts []byte
}

func TestFiles(t *testing.T) {
	f := files{binary: filepath.Join(t.TempDir(), "grantd")}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", f.binary, "./cmd/grantd")
	build.Dir = sources
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f.list, f.texts = describe(t, f.binary)
	t.Run("every module is listed", f.listEveryModule)
	t.Run("schema", f.followSchema)
	t.Run("same bytes", f.areTheSameAgain)
}

func describe(t *testing.T, binary string) (list, texts []byte) {
	t.Helper()
	folder := t.TempDir()
	if err := run([]string{binary, sources, folder}); err != nil {
		t.Fatal(err)
	}
	return read(t, filepath.Join(folder, "grantd.cdx.json")), read(t, filepath.Join(folder, "THIRD-PARTY.txt"))
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Every module of the binary is in the list, with a version, a package URL and a licence, and its licence's text is in the notices.
func (f files) listEveryModule(t *testing.T) {
	info, err := buildinfo.ReadFile(f.binary)
	if err != nil {
		t.Fatal(err)
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(f.list), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	listed := map[string]cdx.Component{}
	for _, c := range *bom.Components {
		listed[c.Name] = c
	}
	if len(listed) != len(info.Deps)+1 || listed["std"].Version != strings.TrimPrefix(info.GoVersion, "go") {
		t.Errorf("%d components are listed, linked are %d modules and Go", len(listed), len(info.Deps))
	}
	for _, m := range info.Deps {
		c := listed[m.Path]
		if c.Version != m.Version || c.PackageURL != "pkg:golang/"+strings.ToLower(m.Path)+"@"+m.Version || c.Licenses == nil || (*c.Properties)[0].Value != m.Sum {
			t.Errorf("%s %s %s is listed as %+v", m.Path, m.Version, m.Sum, c)
		}
		if !bytes.Contains(f.texts, []byte("\n"+m.Path+" "+m.Version+" (")) {
			t.Errorf("the notices lack %s", m.Path)
		}
	}
	sum := sha256.Sum256(read(t, f.binary))
	if hashes := *bom.Metadata.Component.Hashes; hashes[0].Value != hex.EncodeToString(sum[:]) {
		t.Errorf("the hash of the binary is %v", hashes)
	}
	for _, text := range []string{"SQLite Is Public Domain", "Copyright 2009 The Go Authors", "musl"} {
		if !bytes.Contains(f.texts, []byte(text)) {
			t.Errorf("the notices lack %q", text)
		}
	}
	graphIsWhole(t, bom)
}

// graphIsWhole wants every component to be reached from the program.
func graphIsWhole(t *testing.T, bom cdx.BOM) {
	t.Helper()
	below := map[string][]string{}
	for _, d := range *bom.Dependencies {
		if d.Dependencies != nil {
			below[d.Ref] = *d.Dependencies
		}
	}
	reached := map[string]bool{}
	var visit func(string)
	visit = func(ref string) {
		if !reached[ref] {
			reached[ref] = true
			for _, next := range below[ref] {
				visit(next)
			}
		}
	}
	visit(bom.Metadata.Component.BOMRef)
	for _, c := range *bom.Components {
		if !reached[c.BOMRef] {
			t.Errorf("nothing needs %s", c.Name)
		}
	}
}

// The list is as the schema of CycloneDX 1.6 has it, which knows the identifiers of licences, too.
func (f files) followSchema(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	published := func(name string) gojsonschema.JSONLoader { // the library has them
		return gojsonschema.NewReferenceLoader("file://" + filepath.Join(strings.TrimSpace(string(out)), "schema", name))
	}
	loader := gojsonschema.NewSchemaLoader()
	if err := loader.AddSchema("http://cyclonedx.org/schema/spdx.schema.json", published("spdx.schema.json")); err != nil {
		t.Fatal(err)
	}
	if err := loader.AddSchema("http://cyclonedx.org/schema/jsf-0.82.schema.json", published("jsf-0.82.schemax.json")); err != nil {
		t.Fatal(err)
	}
	schema, err := loader.Compile(published("bom-1.6.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	result, err := schema.Validate(gojsonschema.NewBytesLoader(f.list))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range result.Errors() {
		t.Error(e)
	}
}

// The same binary gives the same bytes; one with other bytes has another serial number.
func (f files) areTheSameAgain(t *testing.T) {
	list, texts := describe(t, f.binary)
	if !bytes.Equal(list, f.list) || !bytes.Equal(texts, f.texts) {
		t.Error("the second list, or its notices, differ from the first")
	}
	longer := filepath.Join(t.TempDir(), "grantd")
	if err := os.WriteFile(longer, append(read(t, f.binary), 0), 0o755); err != nil {
		t.Fatal(err)
	}
	if list, _ := describe(t, longer); serial(list) == serial(f.list) || serial(list) == "" {
		t.Errorf("two binaries have the serial number %q", serial(list))
	}
}

func serial(list []byte) string {
	_, after, _ := strings.Cut(string(list), `"serialNumber": "`)
	number, _, _ := strings.Cut(after, `"`)
	return number
}
