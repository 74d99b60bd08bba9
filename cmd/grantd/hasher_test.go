package main

import (
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// hashOfSecret is that of "secret", at the lowest cost.
const hashOfSecret = "$2a$04$qaKuTxozYlG.II9OFMIrjeTRIomLeenIMytUovLqd6UpIl8XY0mPi"

func startHasher(t *testing.T) (*hasher, *buffer) {
	t.Helper()
	var log buffer
	h := newHasher(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(h.close)
	return h, &log
}

// wantHashes wants right answers.
func wantHashes(t *testing.T, h *hasher) {
	t.Helper()
	for password, want := range map[string]bool{"secret": true, "Secret": false, "": false} {
		if got, err := h.Match(hashOfSecret, password); got != want || err != nil {
			t.Errorf("%q matches: %v, %v", password, got, err)
		}
	}
	hash, err := h.Hash("a new one", 4)
	if err != nil || !strings.HasPrefix(hash, "$2a$04$") {
		t.Fatalf("hash %q, %v", hash, err)
	}
	if match, err := h.Match(hash, "a new one"); !match || err != nil {
		t.Errorf("the new hash does not match: %v", err)
	}
	if _, err := h.Hash(strings.Repeat("x", 73), 4); err == nil || !strings.Contains(err.Error(), "72 bytes") {
		t.Errorf("73 bytes: %v", err)
	}
}

func TestHasher(t *testing.T) {
	t.Parallel()
	h, log := startHasher(t)
	wantHashes(t, h)
	first := h.running
	wantHashes(t, h)
	if h.running != first {
		t.Error("it was started twice")
	}
	h.endIdle()
	if h.running != nil || first.cmd.ProcessState == nil {
		t.Error("it goes on though there is nothing to do")
	}
	wantHashes(t, h)
	if text := log.String(); text != "" {
		t.Errorf("log: %s", text)
	}
}

// Who ends for its memory, or is killed by mistake, costs nobody a login.
func TestHasherDies(t *testing.T) {
	t.Parallel()
	h, log := startHasher(t)
	wantHashes(t, h)
	first := h.running.cmd.Process
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	wantHashes(t, h)
	if h.running.cmd.Process.Pid == first.Pid || strings.Count(log.String(), "died; another one is started") != 1 {
		t.Errorf("log: %s", log)
	}
	if died, unstarted := h.Trouble(); died != 1 || unstarted != 0 {
		t.Errorf("counted: died %d times, not started %d times", died, unstarted)
	}
}

func TestHasherDoesNotStart(t *testing.T) {
	t.Parallel()
	h, log := startHasher(t)
	h.path = "/nonexistent"
	wantHashes(t, h)
	wantHashes(t, h)
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "hashed in this process") {
		t.Errorf("log: %s", text)
	}
}

// A system that had no room for a process has it again.
func TestHasherStartsLater(t *testing.T) {
	t.Parallel()
	h, _ := startHasher(t)
	h.path = "/nonexistent"
	wantHashes(t, h)
	h.path = ownProgram()
	wantHashes(t, h)
	if h.running != nil {
		t.Error("a start was tried again at once")
	}
	h.again = time.Now()
	wantHashes(t, h)
	if h.running == nil {
		t.Error("no start was tried again")
	}
}

// A process that starts and dies each time, say because it may have no threads, costs nobody a login.
// Of a hash that may take much memory it is not known whether that was the reason.
func TestHasherDiesAlways(t *testing.T) {
	t.Parallel()
	h, _ := startHasher(t)
	var err error
	if h.path, err = exec.LookPath("false"); err != nil {
		t.Fatal(err)
	}
	if match, err := h.Match(hashOfSecret, "secret"); !match || err != nil {
		t.Errorf("%v, %v", match, err)
	}
	if hash, err := h.Hash("a new one", 4); err != nil || !strings.HasPrefix(hash, "$2a$04$") {
		t.Errorf("hash %q, %v", hash, err)
	}
	if _, err := h.Match("$argon2id$v=19$m=1048576,t=1,p=1$c2FsdHNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Ng", "secret"); err == nil || !strings.Contains(err.Error(), "died twice") {
		t.Errorf("error %v", err)
	}
}

// The end of an idle process crosses no hash.
func TestHasherEndsBetweenHashes(t *testing.T) {
	t.Parallel()
	h, log := startHasher(t)
	var hashing sync.WaitGroup
	for range 4 {
		hashing.Go(func() {
			for range 5 {
				if match, err := h.Match(hashOfSecret, "secret"); !match || err != nil {
					t.Errorf("%v, %v", match, err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { hashing.Wait(); close(done) }()
	for over := false; !over; {
		h.endIdle()
		select {
		case <-done:
			over = true
		default:
		}
	}
	if text := log.String(); text != "" || h.busy != 0 {
		t.Errorf("%d busy, log: %s", h.busy, text)
	}
}

// A login that is under way when the server stops leaves no process behind.
func TestHasherAfterItsEnd(t *testing.T) {
	t.Parallel()
	h, _ := startHasher(t)
	wantHashes(t, h)
	h.close()
	wantHashes(t, h)
	if h.running != nil || h.idle.Stop() {
		t.Error("a process was started after the end")
	}
}

func TestPanicOfAHash(t *testing.T) {
	err := hashing{}.do(func() error { panic("index out of range") })
	if err == nil || err.Error() != "panic: index out of range" {
		t.Errorf("error %v", err)
	}
}
