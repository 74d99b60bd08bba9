package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The hashes of a server are in a process that gives way to it, obeys no signal that is for the
// server, knows none of its settings, and ends when it does.
func TestHasherOfAServer(t *testing.T) {
	t.Parallel()
	s := newProcess("dev", "--demo-listen", "off")
	s.cmd.Env = settings("GRANTD_MASTER_KEY=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	s.run(t)
	server := s.cmd.Process.Pid
	if got := children(t, server); len(got) != 0 {
		t.Fatalf("processes %v before there is anything to hash", got)
	}
	login(t, s, "kim")
	found := children(t, server)
	if len(found) != 1 {
		t.Fatalf("processes %v that hash", found)
	}
	hasher := found[0]
	own, lower := nicenesses(t, os.Getpid()), nicenesses(t, hasher)
	if got := nicenesses(t, server); slices.Min(got) != own[0] || slices.Max(got) != own[0] {
		t.Errorf("niceness of the server's threads %v, of ours %v", got, own)
	}
	if want := min(own[0]+hasherNiceness, 19); slices.Max(lower) != want {
		t.Errorf("niceness of the threads that hash %v, want %d", lower, want)
	}
	if environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", hasher)); err != nil || len(environ) > 0 {
		t.Errorf("environment %q, %v", environ, err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if err := syscall.Kill(hasher, signal); err != nil {
			t.Fatal(err)
		}
	}
	login(t, s, "lee")
	if got := children(t, server); !slices.Equal(got, found) {
		t.Errorf("processes %v after the signals, %v before", got, found)
	}
	s.kill()
	eventually(t, "the process that hashes ends with the server", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", hasher))
		return err != nil || statField(string(stat), 0) == "Z"
	})
}

// A process that hangs is ended, and the next one answers.
func TestHasherHangs(t *testing.T) {
	t.Parallel()
	h, log := startHasher(t)
	wantHashes(t, h)
	first := h.running.cmd.Process
	if err := first.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	h.limit = 50 * time.Millisecond
	if _, err := h.Match(hashOfSecret, "secret"); !errors.Is(err, errNoAnswer) {
		t.Errorf("error %v", err)
	}
	h.limit = hasherLimit
	wantHashes(t, h)
	if h.running.cmd.Process.Pid == first.Pid || strings.Count(log.String(), "died; another one is started") != 1 {
		t.Errorf("log: %s", log)
	}
}

// children are the processes that a process started and that run.
func children(t *testing.T, pid int) (found []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(lists) == 0 {
		t.Fatalf("no list of children: %v", err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, word := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, child)
		}
	}
	return found
}

// nicenesses are those of a process's threads.
func nicenesses(t *testing.T, pid int) (list []int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(tasks) == 0 {
		t.Fatalf("no threads: %v", err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // it has ended
		}
		niceness, err := strconv.Atoi(statField(string(text), 16)) // proc_pid_stat(5): the 19th field of all
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, niceness)
	}
	return list
}

// statField is the nth field after the name, which may hold spaces.
func statField(stat string, n int) string {
	return strings.Fields(stat[strings.LastIndex(stat, ")")+1:])[n]
}
