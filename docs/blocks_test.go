// Package docs_test runs what the documents show: every shell block and every Go program.
package docs_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/grantd/grantd/store/storetest/pgtest"
)

// As the documents write them.
const (
	demoAddress  = "http://127.0.0.1:8000"
	demoPostgres = "postgres://grantd:PASSWORD@db.example.com/grantd?sslmode=verify-full"
)

// block is a fenced piece of a document.
type block struct {
	language, text string
	line           int
}

func readBlocks(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	var open *block
	for n, line := range strings.Split(string(text), "\n") {
		switch {
		case open == nil && strings.HasPrefix(line, "```"):
			open = &block{language: strings.TrimPrefix(line, "```"), line: n + 1}
		case open != nil && line == "```":
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block is not closed", file, open.line)
	}
	return blocks
}

func TestReadme(t *testing.T) {
	blocks := readBlocks(t, "../README.md")
	var shell []block
	for _, b := range blocks {
		if b.language == "sh" {
			shell = append(shell, b)
		}
	}
	if shell[0].text != "go run ./cmd/grantd dev\n" || shell[1].text != "make test\n" {
		t.Fatal("README does not begin with its two commands")
	}
	if out, err := command(t, "..", "make", "-n", "test").CombinedOutput(); err != nil { // to run it would run this test again
		t.Fatalf("make test: %v\n%s", err, out)
	}
	url := startDev(t, "..", "sh", "-c", "exec "+shell[0].text)
	runShell(t, "README.md", url, shell[2:])
	runPrograms(t, url, blocks)
}

func TestDocuments(t *testing.T) {
	var files []string
	for _, folder := range []string{"*.md", "deploy/*.md"} {
		found, err := filepath.Glob(folder)
		if err != nil || len(found) == 0 {
			t.Fatal("no documents", err)
		}
		files = append(files, found...)
	}
	url := startDev(t, t.TempDir(), grantd(t), "dev")
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			var shell []block
			_, _, blocks := splitServices(t, file) // the others are TestResourceServices'
			for _, b := range blocks {
				switch b.language {
				case "sh":
					shell = append(shell, b)
				case "", "mermaid":
				default:
					t.Errorf("%s:%d: nobody runs a block of %q", file, b.line, b.language)
				}
			}
			runShell(t, file, url, shell)
		})
	}
}

// grantd gives the path of the program.
func grantd(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// build makes the program once for all tests.
var build = sync.OnceValues(func() (string, error) {
	var err error
	if binaries, err = os.MkdirTemp("", "grantd-docs-"); err != nil {
		return "", err
	}
	path := filepath.Join(binaries, "grantd")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/grantd")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

var binaries string

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(binaries)
	os.Exit(code)
}

// command is a process that ends with the test, with everything it started.
func command(t *testing.T, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	for _, setting := range os.Environ() { // the machine's own settings are none of the documents'
		if !strings.HasPrefix(setting, "GRANTD_") {
			cmd.Env = append(cmd.Env, setting)
		}
	}
	return cmd
}

var runningAt = regexp.MustCompile(`grantd is running at (http://\S+)`)

// startDev starts a dev server on a free port and gives its URL.
func startDev(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := command(t, dir, name, args...)
	cmd.Env = append(cmd.Env, "GRANTD_LISTEN=127.0.0.1:0", "GRANTD_OPS_LISTEN=127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Cancel()
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found := runningAt.FindStringSubmatch(lines.Text()); found != nil {
			go io.Copy(io.Discard, out)
			return found[1]
		}
	}
	t.Fatal("the dev server did not start")
	return ""
}

// printed is a comment that says what a command prints, JSON up to an ellipsis or hexadecimal digits.
var printed = regexp.MustCompile(`(?m)^# (\{[^…\n]*|[0-9a-f]{16}$)`)

// runShell pastes the shell blocks of one document into one shell, in order, and gives what they print.
func runShell(t *testing.T, file, url string, blocks []block) string {
	t.Helper()
	script := ""
	for _, b := range blocks {
		script += fmt.Sprintf("echo '--- %s:%d'\n%s", file, b.line, b.text)
	}
	script = strings.ReplaceAll(script, demoAddress, url)
	if strings.Contains(script, demoPostgres) {
		script = strings.ReplaceAll(script, demoPostgres, pgtest.URL(t))
	}
	cmd := command(t, t.TempDir(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(grantd(t))+":"+os.Getenv("PATH"), "GRANTD_PASSWORD_BCRYPT_COST=10")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), `"error"`) && !strings.Contains(string(out), "HTTP/1.1 401") {
		t.Errorf("an answer is an error:\n%s", out)
	}
	for _, said := range printed.FindAllStringSubmatch(script, -1) {
		if !strings.Contains(string(out), said[1]) {
			t.Errorf("it does not print %s:\n%s", said[1], out)
		}
	}
	return string(out)
}

// runPrograms builds the Go programs of a document as a module of their own, as
// a reader would, and runs them.
func runPrograms(t *testing.T, url string, blocks []block) {
	t.Helper()
	for _, b := range blocks {
		if b.language != "go" {
			continue
		}
		t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) {
			switch {
			case strings.Contains(b.text, appAddress):
				runApp(t, url, b)
				return
			case strings.Contains(b.text, "ListenAndServe"):
				runService(t, url, b)
				return
			}
			out, err := command(t, t.TempDir(), program(t, url, b.text)).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "200 OK") && !strings.Contains(string(out), `"item_id":"Foo"`) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// program compiles source and gives the path of the binary.
func program(t *testing.T, url, source string) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mod := read(t, "../go.mod")
	mod = strings.Replace(mod, "module github.com/grantd/grantd", "module example.com/reader", 1)
	mod += fmt.Sprintf("\nrequire github.com/grantd/grantd v0.0.0\n\nreplace github.com/grantd/grantd => %s\n", root)
	write(t, filepath.Join(dir, "go.mod"), mod)
	write(t, filepath.Join(dir, "go.sum"), read(t, "../go.sum"))
	write(t, filepath.Join(dir, "main.go"), strings.ReplaceAll(source, demoAddress, url))
	build := command(t, dir, "go", "build", "-mod=mod", "-o", "program", ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return filepath.Join(dir, "program")
}

// runService calls the resource service of the documents with and without a token.
func runService(t *testing.T, url string, b block) {
	t.Helper()
	address := "127.0.0.1:" + freePort(t)
	serve(t, command(t, t.TempDir(), program(t, url, strings.ReplaceAll(b.text, tryIt, address))), address)
	for scope, want := range map[string]int{"items": http.StatusOK, "me": http.StatusForbidden, "": http.StatusUnauthorized} {
		if got := call(t, url, "http://"+address+"/reports", scope); got != want {
			t.Errorf("with scope %q: %d, want %d", scope, got, want)
		}
	}
}

// call asks the service with a token of that scope, or without a token.
func call(t *testing.T, issuer, service, scope string) int {
	t.Helper()
	script := `curl -s -o /dev/null -w '%{http_code}' "$SERVICE"`
	if scope != "" {
		script = `token=$(curl -s -u dev-service:dev-service-secret -d grant_type=client_credentials -d scope="$SCOPE" "$ISSUER/token" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
			curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$SERVICE"`
	}
	cmd := command(t, t.TempDir(), "sh", "-euc", script)
	cmd.Env = append(cmd.Env, "ISSUER="+issuer, "SERVICE="+service, "SCOPE="+scope)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var status int
	fmt.Sscan(string(out), &status)
	return status
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
