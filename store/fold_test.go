package store_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/grantd/grantd/store"
)

func FuzzFold(f *testing.F) {
	f.Add("JohnDoe", "johndoe")
	f.Add("\u212aelvin", "kelvin") // the Kelvin sign is a K
	f.Add("ſ", "S")
	f.Add("straße", "STRASSE")
	f.Add("i", "İ")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		if got, want := store.Fold(a) == store.Fold(b), strings.EqualFold(a, b); got != want {
			t.Errorf("%q and %q: same key %t, equal %t", a, b, got, want)
		}
		if once := store.Fold(a); store.Fold(once) != once {
			t.Errorf("%q folds further", once)
		}
	})
}
