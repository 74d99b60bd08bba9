package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// table prints rows for people, or v for programs.
func (a *app) table(v any, header []string, rows [][]string) error {
	if a.output == "json" {
		return a.json(v)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(header, "\t"))
	for _, row := range rows {
		for i := range row {
			row[i] = cell(row[i])
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// fields prints one thing, a line for each of its name and value pairs, or v for programs.
func (a *app) fields(v any, pairs ...string) error {
	if a.output == "json" {
		return a.json(v)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(w, "%s:\t%s\n", pairs[i], cell(pairs[i+1]))
	}
	return w.Flush()
}

// say prints a line about what was done, or v for programs.
func (a *app) say(v any, format string, args ...any) error {
	if a.output == "json" {
		return a.json(v)
	}
	_, err := fmt.Fprintf(a.stdout, format+"\n", args...)
	return err
}

func (a *app) json(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// list is [] in JSON, not null, where it is empty.
func list(names []string) []string { return append([]string{}, names...) }

// count writes a number of things, "1 line" or "2 lines".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func cell(s string) string {
	if s == "" {
		return "-"
	}
	return printable(s)
}

// printable keeps what others typed from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
