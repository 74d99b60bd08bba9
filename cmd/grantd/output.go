package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"
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
	_, err := fmt.Fprintln(a.stdout, printable(fmt.Sprintf(format, args...)))
	return err
}

func (a *app) json(v any) error {
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(a.stdout, escape(text.String()))
	return err
}

// escape writes what could steer the terminal, or turn the direction of what it
// shows, as RFC 8259 §7 has it. Of indented JSON only strings hold such, and
// encoding/json leaves them DEL, the C1 controls and those of direction.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) || r == '\n' {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
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
