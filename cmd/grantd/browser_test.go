package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// walks are the programs testdata/browser/*.mjs: people at a real browser, Debian's
// Chromium, driven by Playwright.
var walks = []string{"swagger", "connect", "detours", "sessions", "leave", "form_post", "noscript", "keyboard", "pages"} // the longest first

// Each walk has a server of its own, "grantd dev" with its demo app. It is the program as it is installed, not the one
// with the race detector, in which each password takes seconds.
func TestBrowser(t *testing.T) {
	t.Parallel()
	dir := copyFolder(t, "testdata/browser")
	mustForeign(t, dir, "npm", "ci", "--ignore-scripts")
	binary := filepath.Join(dir, "grantd")
	mustForeign(t, ".", "go", "build", "-o", binary, ".")
	dev := func(t *testing.T, flags ...string) *process {
		s := newProcess(append([]string{"dev", "--demo-listen", freePort}, flags...)...)
		s.cmd.Path = binary
		s.run(t)
		return s
	}
	for _, name := range walks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := dev(t)
			walk(t, dir, name, "GRANTD="+s.URL, "DEMO="+demoApp(t, s))
		})
	}
	t.Run("https", func(t *testing.T) {
		t.Parallel()
		files := certificateFiles{filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")}
		files.write(t, "self-made", time.Now())
		s := dev(t, "--tls-cert-file", files.cert, "--tls-key-file", files.key)
		walk(t, dir, "https", "GRANTD="+strings.Replace(s.URL, "http:", "https:", 1))
	})
}

// walk runs one of the scripts.
func walk(t *testing.T, dir, name string, environ ...string) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; make tools installs it", err)
	}
	pictures := filepath.Join(os.TempDir(), "grantd-pictures") // kept for who looks into a failure
	if err := os.MkdirAll(pictures, 0o700); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cmd := foreign(t, dir, "node", name+".mjs")
	cmd.Env = append(cmd.Env, append(environ, "CHROMIUM="+chromium, "PICTURES="+pictures)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%v\n%s", time.Since(began).Round(time.Millisecond), out)
}

var demoAppAt = regexp.MustCompile(`http://localhost:\d+`)

// demoApp is where a dev server says that its demo app is.
func demoApp(t *testing.T, s *process) string {
	t.Helper()
	found := ""
	eventually(t, "the address of the demo app is printed", func() bool {
		found = demoAppAt.FindString(s.Out.String())
		return found != ""
	})
	return strings.TrimSuffix(found, "/")
}
