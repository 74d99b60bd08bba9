package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var noticeFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|authors|contributors)([-.].*)?$`)

// notices are the texts that have to go with a binary: those of Go, and of each module in it.
func (p *program) notices() ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "grantd %s is made of the following, under the licences that follow each name.\n", p.version)
	if err := addNotices(&out, "Go "+p.goVersion+" (BSD-3-Clause)", p.goRoot); err != nil {
		return nil, err
	}
	for _, m := range p.modules {
		if err := addNotices(&out, m.path+" "+m.version+" ("+m.licence+")", m.dir); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func addNotices(out *bytes.Buffer, title, dir string) error {
	entries, err := os.ReadDir(dir) // in the order of their names
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n%s\n", strings.Repeat("=", 100), title)
	licensed := false
	for _, e := range entries {
		if !noticeFile.MatchString(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		licensed = licensed || strings.HasPrefix(strings.ToUpper(e.Name()), "LIC")
		fmt.Fprintf(out, "\n---- %s\n\n%s\n", e.Name(), bytes.TrimSpace(text))
	}
	if !licensed {
		return fmt.Errorf("%s has no licence file in %s", title, dir)
	}
	return nil
}
