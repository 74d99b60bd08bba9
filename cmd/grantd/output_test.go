package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

// hostile has ESC, DEL, a C1 control sequence introducer, an override of the
// direction, a tag above the BMP and what may stay.
const hostile = "a\x1b[31m\x7f\u009b31m\u202etxt.exe\u2066\U000e0041\nü<\U0001f600"

const tamed = `a\u001b[31m\u007f\u009b31m\u202etxt.exe\u2066\udb40\udc41\nü<😀`

func wantPrintable(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if !unicode.IsPrint(r) && r != '\n' {
			t.Fatalf("%U is in %q", r, text)
		}
	}
}

// C1 controls and those of direction went to the terminal as they were.
func TestJSONKeepsTheTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := (&app{stdout: &out}).json(map[string]string{hostile: hostile}); err != nil {
		t.Fatal(err)
	}
	if want := "{\n  \"" + tamed + "\": \"" + tamed + "\"\n}\n"; out.String() != want {
		t.Errorf("%s\nwant %s", out.String(), want)
	}
	if got := decode[map[string]string](t, out.String()); got[hostile] != hostile {
		t.Errorf("%q", got)
	}
}

func TestTextKeepsTheTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &app{stdout: &out}
	if err := a.table(nil, []string{"NAME"}, [][]string{{hostile}}); err != nil {
		t.Fatal(err)
	}
	if err := a.fields(nil, "name", hostile); err != nil {
		t.Fatal(err)
	}
	if err := a.say(nil, "user %s added", hostile); err != nil {
		t.Fatal(err)
	}
	const row = "a?[31m??31m?txt.exe???ü<😀\n"
	if want := "NAME\n" + row + "name:  " + row + "user " + strings.TrimSpace(row) + " added\n"; out.String() != want {
		t.Errorf("%q\nwant %q", out.String(), want)
	}
}

// A token comes from a stranger.
func TestInspectKeepsTheTerminal(t *testing.T) {
	t.Parallel()
	part := func(v map[string]any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	token := part(map[string]any{"alg": "none", "kid": hostile}) + "." + part(map[string]any{"sub": hostile, "iss": hostile, hostile: 1}) + "."
	for _, output := range []string{"table", "json"} {
		var out, errs bytes.Buffer
		a := &app{stdin: strings.NewReader(token), stdout: &out, stderr: &errs}
		a.execute(t.Context(), []string{"token", "inspect", "--database", "sqlite:" + t.TempDir() + "/none.db", "--output", output})
		wantPrintable(t, out.String()+errs.String())
		if strings.Count(out.String(), tamed) != 4 {
			t.Errorf("--output %s: %s", output, out.String())
		}
	}
}
