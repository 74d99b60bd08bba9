package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// point is a line of the file of "make growth".
type point struct {
	Series         string `json:"series"`
	Database       string `json:"database"`
	Authorizations int    `json:"authorizations"`
	Clients        int    `json:"clients"`
	Connections    int    `json:"connections"`
	TLS            bool   `json:"tls"`
	Cores          int    `json:"cores"`
	Report         struct {
		Operations []operation `json:"operations"`
	} `json:"report"`
}

// operation is what "grantd bench" reports of one.
type operation struct {
	Name  string  `json:"operation"`
	Rate  float64 `json:"rate"`
	P99   float64 `json:"p99_ms"`
	CPU   float64 `json:"cpu_us"`
	Share float64 `json:"share"`
}

func (p point) operation(name string) (operation, bool) {
	i := slices.IndexFunc(p.Report.Operations, func(o operation) bool { return o.Name == name })
	if i < 0 {
		return operation{}, false
	}
	return p.Report.Operations[i], true
}

func readPoints(path string) (all []point, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		var p point
		if err := json.Unmarshal(line, &p); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// sample is one value of an operation on a database.
type sample struct{ x, y float64 }

// along gives an operation's values in a series, to which the base belongs, in the order of x.
func along(all []point, series, database, name string, x func(point) float64, y func(operation) float64) (s []sample) {
	for _, p := range all {
		if p.Database != database || p.Series != series && p.Series != "base" {
			continue
		}
		if op, ok := p.operation(name); ok {
			s = append(s, sample{x(p), y(op)})
		}
	}
	slices.SortFunc(s, func(a, b sample) int { return cmp.Compare(a.x, b.x) })
	return s
}
