package scopes_test

import (
	"strings"
	"testing"

	"github.com/grantd/grantd/scopes"
)

func TestParse(t *testing.T) {
	longest := strings.Repeat("x", scopes.MaxSetBytes)
	for _, c := range []struct {
		name, in string
		want     []string
		err      string // a part of the message; "" means none
	}{
		{"6749-3.3 empty", "", nil, ""},
		{"6749-3.3 one name", "me", []string{"me"}, ""},
		{"6749-3.3 order is kept", "items me", []string{"items", "me"}, ""},
		{"6749-3.3 a duplicate collapses to its first place", "me items me", []string{"me", "items"}, ""},
		{"6749-3.3 letter case matters", "me ME", []string{"me", "ME"}, ""},
		{"6749-3.3 the ends of the grammar", "! # [ ] ~ items:write https://a/b?c=d", []string{"!", "#", "[", "]", "~", "items:write", "https://a/b?c=d"}, ""},
		{"6749-3.3 two spaces", "me  items", nil, "part the names with one space"},
		{"6749-3.3 leading space", " me", nil, "part the names with one space"},
		{"6749-3.3 trailing space", "me ", nil, "part the names with one space"},
		{"6749-3.3 space alone", " ", nil, "part the names with one space"},
		{"6749-3.3 quote", `m"e`, nil, `has the byte "\""`},
		{"6749-3.3 backslash", `m\e`, nil, `has the byte "\\"`},
		{"6749-3.3 tab", "me\titems", nil, `has the byte "\t"`},
		{"6749-3.3 line break", "me\r\nSet-Cookie: x", nil, `has the byte "\r"`},
		{"6749-3.3 DEL", "me\x7f", nil, `has the byte "\x7f"`},
		{"6749-3.3 not ASCII", "mé", nil, `has the byte "\xc3"`},
		{"6749-3.3 a long bad name is cut in the message", strings.Repeat("a", 100) + "\x00", nil, `aaa..." has`},
		{"longest", longest, []string{longest}, ""},
		{"too long", longest + "x", nil, "ask for fewer scopes, at most 4096 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := scopes.Parse(c.in)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got %q, %v; want an error with %q", got, err, c.err)
				}
				return
			}
			if err != nil || strings.Join(got, "|") != strings.Join(c.want, "|") {
				t.Fatalf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{"me": true, "items:write": true, "": false, "me items": false, `"`: false, "é": false} {
		if scopes.ValidName(name) != want {
			t.Errorf("6749-3.3 ValidName(%q) = %v", name, !want)
		}
	}
}

func TestSetAlgebra(t *testing.T) {
	for _, c := range []struct {
		a, b, intersect, minus string
		contains, equal        bool
	}{
		{"", "", "", "", true, true},
		{"me", "", "", "me", true, false},
		{"", "me", "", "", false, false},
		{"me items", "items me", "me items", "", true, true},
		{"me items x", "x me", "me x", "items", true, false},
		{"me", "items", "", "me", false, false},
	} {
		a, b := must(scopes.Parse(c.a)), must(scopes.Parse(c.b))
		if got := a.Intersect(b).String(); got != c.intersect {
			t.Errorf("%q intersect %q = %q", c.a, c.b, got)
		}
		if got := a.Minus(b).String(); got != c.minus {
			t.Errorf("%q minus %q = %q", c.a, c.b, got)
		}
		if a.Contains(b) != c.contains || a.Equal(b) != c.equal {
			t.Errorf("%q contains %q: %v, equal: %v", c.a, c.b, a.Contains(b), a.Equal(b))
		}
	}
}

func FuzzParseSet(f *testing.F) {
	for _, seed := range []string{"", "me items items:write", "me  x", "me me", "a\x00", `"`, "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, err := scopes.Parse(in)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n\x00") || len(err.Error()) > 500 {
				t.Fatalf("the message echoes its input: %q", err)
			}
			return
		}
		again, err := scopes.Parse(s.String())
		if err != nil || !again.Equal(s) || len(again) != len(s) {
			t.Fatalf("%q -> %q", in, s)
		}
		for _, name := range s {
			if !scopes.ValidName(name) {
				t.Fatalf("%q gave the name %q", in, name)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	var names []string
	for i := 0; len(names) < 1360; i++ {
		if name := string([]byte{byte('0' + i%75), byte('0' + i/75)}); scopes.ValidName(name) {
			names = append(names, name)
		}
	}
	for name, in := range map[string]string{"usual": "me items items:write", "worst": strings.Join(names, " ")} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := scopes.Parse(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
