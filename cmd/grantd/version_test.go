package main

import (
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	defer func(was string) { commit = was }(commit)
	const from = "0123456789abcdef0123456789abcdef01234567"
	for stamped, want := range map[string]string{
		from: release + "+0123456789ab", from + "-dirty": release + "+0123456789ab.dirty", "-dirty": release, "short": release,
	} {
		commit = stamped
		if got := version(); got != want {
			t.Errorf("of commit %q: %q, want %q", stamped, got, want)
		}
	}
	commit = "" // then it is the go command's stamp, if it made one
	if got := version(); !strings.HasPrefix(got, release) {
		t.Errorf("without a commit: %q", got)
	}
}
