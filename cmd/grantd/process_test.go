package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what should come at once.
const patience = 90 * time.Second

// process is a server in a process of its own.
type process struct {
	cmd    *exec.Cmd
	client *http.Client
	URL    string // of the public listener
	Ops    string
	Out    buffer // standard output
	Log    buffer // standard error
	ended  chan struct{}
	err    error // of Wait, once ended is closed
}

// buffer collects what a process prints.
type buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// quick makes hashes cheap, lets no server wait for balancers, and spares a
// program with the race detector its second of sleep at the end.
var quick = []string{"GRANTD_PASSWORD_BCRYPT_COST=4", "GRANTD_SHUTDOWN_DELAY=0s", "GORACE=atexit_sleep_ms=0"}

// settings is the environment of a server: nothing in ours can change a setting.
func settings(extra ...string) []string {
	env := append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}, quick...)
	return append(env, extra...)
}

// newProcess prepares "grantd args" on free ports.
func newProcess(args ...string) *process {
	p := &process{ended: make(chan struct{})}
	p.client = &http.Client{Timeout: patience, Transport: &http.Transport{
		MaxIdleConnsPerHost: 64, TLSClientConfig: &tls.Config{},
		ForceAttemptHTTP2: true,
	}}
	p.cmd = exec.Command("grantd", append(args, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")...)
	p.cmd.Env = settings()
	return p
}

// start runs a server until the test ends.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := newProcess(args...)
	p.run(t)
	return p
}

func (p *process) run(t *testing.T) {
	t.Helper()
	for i, v := range p.cmd.Env {
		if v == "TMPDIR="+os.TempDir() { // a dev server that is killed leaves its database behind
			p.cmd.Env[i] = "TMPDIR=" + t.TempDir()
		}
	}
	if err := p.launch(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
}

var addresses = regexp.MustCompile(`"?listen"?[=:]"?([][0-9.:]+)"?[ ,]"?ops_listen"?[=:]"?([0-9.:]+)`)

// launch starts the process and returns once it listens or has ended.
func (p *process) launch() error {
	logs, err := p.cmd.StderrPipe()
	if err != nil {
		return err
	}
	p.cmd.Stdout = &p.Out
	if err := p.cmd.Start(); err != nil {
		return err
	}
	listening := make(chan []string, 1)
	go func() {
		p.follow(logs, listening)
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	select {
	case found := <-listening:
		p.URL, p.Ops = "http://"+found[1], "http://"+found[2]
		return nil
	case <-p.ended:
		return fmt.Errorf("%v ended: %v: %s", p.cmd.Args, p.err, p.Log.String())
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("%v does not start: %s", p.cmd.Args, p.Log.String())
	}
}

// follow copies the log and tells, once, where the server listens.
func (p *process) follow(logs io.Reader, listening chan<- []string) {
	lines := bufio.NewReader(logs)
	for told := false; ; {
		line, err := lines.ReadString('\n')
		io.WriteString(&p.Log, line)
		if found := addresses.FindStringSubmatch(line); found != nil && !told {
			told = true
			listening <- found
		}
		if err != nil {
			return
		}
	}
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// stop asks the process to end and returns its exit status.
func (p *process) stop() (int, error) {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(patience):
		p.kill()
		return 0, errors.New("it does not stop: " + p.Log.String())
	}
}

// mustStop wants an orderly end.
func (p *process) mustStop(t *testing.T) {
	t.Helper()
	if status, err := p.stop(); err != nil || status != exitOK {
		t.Fatalf("exit status %d, %v: %s", status, err, p.Log.String())
	}
}

// answer is what came back. Status is 0 and err tells why when nothing did.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

const formType = "application/x-www-form-urlencoded"

func (p *process) post(path string, f url.Values) answer {
	return p.send("POST", p.URL+path, f.Encode(), map[string]string{"Content-Type": formType})
}

// get asks with the token as bearer.
func (p *process) get(path, token string) answer {
	return p.send("GET", p.URL+path, "", map[string]string{"Authorization": "Bearer " + token})
}

func (p *process) readyz() answer { return p.send("GET", p.Ops+"/readyz", "", nil) }

// send leaves out a header that is empty.
func (p *process) send(method, url, body string, header map[string]string) answer {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	for name, value := range header {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	resp, err := p.client.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, header: resp.Header, body: string(text), err: err}
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came to pass: %s", what)
		}
	}
}

// grantd runs a command to its end, with quick hashes, and returns its exit
// status and what it printed.
func grantd(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command("grantd", args...)
	cmd.Env = settings()
	return runCommand(t, cmd, stdin)
}

func runCommand(t *testing.T, cmd *exec.Cmd, stdin string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// mustRun wants success and returns what the command printed.
func mustRun(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	status, stdout, stderr := grantd(t, stdin, args...)
	if status != exitOK {
		t.Fatalf("grantd %v: exit status %d: %s", args, status, stderr)
	}
	return stdout
}

// wantFailure wants exit status 1 and one line that has each of the texts.
func wantFailure(t *testing.T, status int, stderr string, texts ...string) {
	t.Helper()
	if status != exitFailed || !isOneLine(stderr) {
		t.Errorf("exit status %d, want 1 and one line: %s", status, stderr)
	}
	for _, text := range texts {
		if !strings.Contains(stderr, text) {
			t.Errorf("%q is not in %s", text, stderr)
		}
	}
}

func isOneLine(s string) bool {
	return strings.HasPrefix(s, "grantd: ") && strings.Count(s, "\n") == 1 && strings.HasSuffix(s, "\n")
}
