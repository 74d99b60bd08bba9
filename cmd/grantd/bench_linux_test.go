package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// endless is "grantd bench" under load, and the processes that it started.
type endless struct {
	cmd            *exec.Cmd
	errs           *buffer
	temp           string
	server, limits int
}

func startEndless(t *testing.T) *endless {
	t.Helper()
	e := &endless{errs: &buffer{}, temp: t.TempDir()}
	e.cmd = exec.Command("grantd", "bench", "--operation", "refresh", "--for", "1h", "--authorizations", "50", "--chains", "8", "--connections", "2", "--bcrypt-cost", "10")
	e.cmd.Env, e.cmd.Stderr = settings("TMPDIR="+e.temp), e.errs
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.cmd.Process.Kill() })
	eventually(t, "it loads a server", func() bool {
		e.server, e.limits = e.child("serve"), e.child("limits")
		return e.server != 0 && e.limits != 0
	})
	return e
}

// child finds a process that was started with that argument; 0 is none.
func (e *endless) child(argument string) int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", e.cmd.Process.Pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, pid := range strings.Fields(string(text)) {
			line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
			if strings.Contains(string(line), "\x00"+argument) {
				n, _ := strconv.Atoi(pid)
				return n
			}
		}
	}
	return 0
}

// ended wants exit status 1, these words, and nothing left: no process, no file.
func (e *endless) ended(t *testing.T, words ...string) {
	t.Helper()
	err := e.cmd.Wait()
	for _, word := range append(words, "grantd: ") {
		if !strings.Contains(e.errs.String(), word) {
			t.Errorf("%q is not in %s", word, e.errs.String())
		}
	}
	if status := e.cmd.ProcessState.ExitCode(); status != exitFailed {
		t.Errorf("%v: %s", err, e.errs.String())
	}
	wantEmpty(t, e.temp)
	e.noOrphans(t)
}

func (e *endless) noOrphans(t *testing.T) {
	t.Helper()
	for _, pid := range []int{e.server, e.limits} {
		eventually(t, "its processes end", func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return err != nil || strings.Contains(string(stat), ") Z ") // whoever adopted it may be slow to notice
		})
	}
}

func TestBenchIsInterrupted(t *testing.T) {
	t.Parallel()
	e := startEndless(t)
	if err := e.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	e.ended(t, "interrupted")
}

// A server that dies under load ends the measurement, which says how.
func TestBenchTellsOfAServerThatDied(t *testing.T) {
	t.Parallel()
	e := startEndless(t)
	if err := syscall.Kill(e.server, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	e.ended(t, "ended by itself (signal: killed)", "last words")
}

// Whoever kills the command leaves no server behind that nobody knows of.
func TestBenchIsKilled(t *testing.T) {
	t.Parallel()
	e := startEndless(t)
	if err := e.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	e.cmd.Wait()
	e.noOrphans(t)
}
