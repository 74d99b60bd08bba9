package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
)

// profilePaths are all that the operator's listener may serve of Go's profiles.
var profilePaths = []string{"", "profile?seconds=1", "trace?seconds=0.01", "heap", "allocs", "goroutine?debug=2", "mutex", "block", "threadcreate"}

func TestProfiles(t *testing.T) {
	t.Parallel()
	const folder = "/debug/pprof/"
	t.Run("off", func(t *testing.T) {
		t.Parallel()
		s := start(t, "dev", "--demo-listen", "off")
		for _, path := range profilePaths {
			wantStatus(t, path, s.send("GET", s.Ops+folder+path, "", nil), 404)
			wantStatus(t, path, s.get(folder+path, ""), 404)
		}
	})
	t.Run("on, for operators alone", func(t *testing.T) {
		t.Parallel()
		s := start(t, "dev", "--demo-listen", "off", "--pprof-enabled")
		token := login(t, s, "profiled").Access
		for _, path := range profilePaths {
			got := s.send("GET", s.Ops+folder+path, "", nil)
			wantStatus(t, path, got, 200)
			if text := unzipped(t, got.body); strings.Contains(text, token) {
				t.Errorf("%s shows a token", path)
			}
			wantStatus(t, path, s.get(folder+path, ""), 404)
		}
		wantStatus(t, "the command line, which may hold a password", s.send("GET", s.Ops+folder+"cmdline", "", nil), 404)
		wantStatus(t, "what else is there", s.readyz(), 200)
		wantStatus(t, "healthz", s.send("GET", s.Ops+"/healthz", "", nil), 200)
		wantStatus(t, "nothing", s.send("GET", s.Ops+"/", "", nil), 404)
	})
}

// unzipped is what is in a profile, which may be compressed.
func unzipped(t *testing.T, profile string) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader([]byte(profile)))
	if err != nil {
		return profile
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
