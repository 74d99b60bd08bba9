package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A login that runs when SIGTERM comes is answered, in full, before the program ends.
func TestStopFinishesRunningRequests(t *testing.T) {
	t.Parallel()
	s := newProcess("dev")
	temp := t.TempDir()
	s.cmd.Env = settings("TMPDIR=" + temp)
	s.run(t)
	if kept, err := filepath.Glob(filepath.Join(temp, "grantd-dev-*", "grantd.db.master-key")); err != nil || len(kept) != 1 {
		t.Fatalf("the temporary folder: %v, %v", kept, err)
	}

	body := form("grant_type", "password", "username", "johndoe", "password", "secret", "scope", "me").Encode()
	conn, reader := startRequest(t, s, body)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server stops", func() bool { return strings.Contains(s.Log.String(), "grantd stops") })
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || decode[tokens](t, string(text)).Access == "" {
		t.Errorf("%d %s, %v", resp.StatusCode, text, err)
	}

	<-s.ended
	if status := s.cmd.ProcessState.ExitCode(); status != exitOK {
		t.Errorf("exit status %d: %s", status, s.Log.String())
	}
	wantEmpty(t, temp)
}

// startRequest sends the header of a token request. When it returns, the handler
// runs and waits for the body.
func startRequest(t *testing.T, s *process, body string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", formType, len(body))
	reader := bufio.NewReader(conn)
	// RFC 9110 §10.1.1: sent when the handler begins to read.
	line, err := reader.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("%q, %v", line, err)
	}
	if line, err := reader.ReadString('\n'); err != nil || line != "\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return conn, reader
}

// A second signal does not wait for anybody.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := newProcess("dev")
	s.cmd.Env = settings("TMPDIR=" + t.TempDir()) // whoever insists leaves the folder behind
	s.run(t)
	startRequest(t, s, "x=y")
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server stops", func() bool { return strings.Contains(s.Log.String(), "grantd stops") })
	select {
	case <-s.ended:
		t.Fatal("it did not wait for the request")
	default:
	}
	eventually(t, "it ends", func() bool {
		s.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.ended:
			return true
		default:
			return false
		}
	})
	if s.cmd.ProcessState.Exited() {
		t.Errorf("it ended by itself: %v", s.cmd.ProcessState)
	}
}

// A closed terminal hangs up on the program.
func TestHangupLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := newProcess("dev")
	temp := t.TempDir()
	s.cmd.Env = settings("TMPDIR=" + temp)
	s.run(t)
	for range 2 { // the shell and the system both tell
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	<-s.ended
	if status := s.cmd.ProcessState.ExitCode(); status != exitOK || !strings.Contains(s.Log.String(), "grantd stops") {
		t.Errorf("exit status %d: %s", status, s.Log.String())
	}
	wantEmpty(t, temp)
}

func TestNohupSurvivesHangup(t *testing.T) {
	t.Parallel()
	s := newProcess("dev")
	s.cmd.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$@"`, "sh"}, s.cmd.Args...)
	s.cmd.Path = "/bin/sh"
	s.run(t)
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "after the hangup", s.readyz(), http.StatusOK)
	s.mustStop(t)
}

func TestClosedOutputEndsNoServer(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	cmd := exec.Command("grantd", "dev", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")
	cmd.Env = settings("TMPDIR=" + temp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	var found []string
	for lines := bufio.NewReader(logs); found == nil; { // where it listens is said behind which keys were made
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%q, %v", line, err)
		}
		found = addresses.FindStringSubmatch(line)
	}
	out.Close()
	logs.Close()
	p := &process{URL: "http://" + found[1], client: &http.Client{Timeout: patience}}
	for range 3 { // each is logged, to nobody
		wantStatus(t, "with nobody listening", p.get("/users/me/", "none"), http.StatusUnauthorized)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	wantEmpty(t, temp)
}

func wantEmpty(t *testing.T, folder string) {
	t.Helper()
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
