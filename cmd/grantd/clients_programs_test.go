package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// foreign prepares a program that is not ours. It ends with the test, with
// whatever it started.
func foreign(t *testing.T, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	return foreignFor(t, 5*time.Minute, dir, name, args...) // the first time, packages are fetched
}

// foreignFor is foreign for a program that may take as long.
func foreignFor(t *testing.T, most time.Duration, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), "NPM_CONFIG_AUDIT=false", "NPM_CONFIG_FUND=false", "NPM_CONFIG_UPDATE_NOTIFIER=false",
		"PIP_NO_COMPILE=1", "PIP_DISABLE_PIP_VERSION_CHECK=1")
	return cmd
}

// mustForeign runs a program to its end.
func mustForeign(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := foreign(t, dir, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// copyFolder copies the files of a folder of testdata to where packages can be
// installed beside them.
func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// program is a client in another language. It prints "visit URL" where it would
// open a browser, and reads the URL at which that came back; at the end it
// prints "done" and JSON.
type program struct {
	cmd    *exec.Cmd
	errors buffer
}

// run gives what the program tells at its end.
func (p *program) run(t *testing.T, visit func(url string) string) report {
	t.Helper()
	p.cmd.Stderr = &p.errors
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer p.cmd.Wait()
	defer p.cmd.Cancel()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		what, rest, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "visit":
			if _, err := in.Write([]byte(visit(rest) + "\n")); err != nil {
				t.Fatal(err)
			}
		case "done":
			return decode[report](t, rest)
		default:
			t.Logf("%s", lines.Text())
		}
	}
	p.cmd.Wait()
	t.Fatalf("%v: %v\n%s", p.cmd.Args, p.cmd.ProcessState, p.errors.String())
	return report{}
}

// report is what a client got.
type report struct {
	Subject   string         `json:"sub"`       // of the ID token that the library checked
	UserInfo  map[string]any `json:"userinfo"`  // of /userinfo
	Username  string         `json:"username"`  // of /users/me/, with the first access token
	Refreshed string         `json:"refreshed"` // likewise, with the second
	Refused   string         `json:"refused"`   // the error of a refresh after the revocation
}

func (r report) String() string {
	text, _ := json.Marshal(r)
	return string(text)
}
