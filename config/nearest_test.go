package config

import "testing"

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "ttl", 3}, {"ttl", "", 3}, {"issuer", "issuer", 0},
		{"isuer", "issuer", 1}, {"issuuer", "issuer", 1}, {"isser", "issue", 2}, {"listen", "silent", 4},
		{"kitten", "sitting", 3}, {"sitting", "kitten", 3}, {"access-tll", "access-ttl", 1},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("from %q to %q: %d edits, want %d", c.a, c.b, got, c.want)
		}
	}
}
