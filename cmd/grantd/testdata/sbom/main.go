// Command sbom writes what has to go with a binary of grantd: a list of what it is made of, for scanners (CycloneDX 1.6), and the
// licences of all of that, for lawyers.
//
//	sbom BINARY SOURCES FOLDER
//
// writes FOLDER/grantd.cdx.json and FOLDER/THIRD-PARTY.txt. SOURCES is the tree that BINARY was built from, whose
// docs/dependencies.md has the licences. The same binary gives the same bytes: no time, nothing random.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: sbom BINARY SOURCES FOLDER")
	}
	p, err := readProgram(args[0], args[1])
	if err != nil {
		return err
	}
	if err := os.MkdirAll(args[2], 0o755); err != nil {
		return err
	}
	list, err := os.Create(filepath.Join(args[2], "grantd.cdx.json"))
	if err != nil {
		return err
	}
	defer list.Close()
	if err := cdx.NewBOMEncoder(list, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(p.bom(), cdx.SpecVersion1_6); err != nil {
		return err
	}
	texts, err := p.notices()
	if err != nil {
		return err
	}
	return errors.Join(list.Close(), os.WriteFile(filepath.Join(args[2], "THIRD-PARTY.txt"), texts, 0o644))
}
