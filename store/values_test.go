package store

import (
	"encoding/json"
	"slices"
	"testing"
)

// FuzzNames: what plainNames reads is what encoding/json reads, and it refuses nothing that Value writes plainly.
func FuzzNames(f *testing.F) {
	for _, text := range []string{`["me"]`, `["me","items:write"]`, `[]`, `null`, ``, `["`, `["]`, `[""]`, `["",""]`, `["a"b"]`,
		`["a\"]`, `["a","b]`, `["a" ,"b"]`, `["é"]`, `["a\u0041"]`, `["a"],["b"]`, `["a",","]`, `["a","","b"]`, "[\"a\x7f\"]", "[\"a\n\"]", `["a",1]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, ok := plainNames(text)
		var want []string
		err := json.Unmarshal([]byte(text), &want)
		if ok && (err != nil || !slices.Equal(list, want)) {
			t.Errorf("%q: %q; want %q, %v", text, list, want, err)
		}
		var n names
		if got := n.Scan(text); (got == nil) != (err == nil) || !slices.Equal(n, want) {
			t.Errorf("%q: %q, %v; want %q, %v", text, n, got, want, err)
		}
	})
}

func BenchmarkNames(b *testing.B) {
	b.ReportAllocs()
	var n names
	for b.Loop() {
		if err := n.Scan(`["me","items","items:write"]`); err != nil || len(n) != 3 {
			b.Fatal(n, err)
		}
	}
}
