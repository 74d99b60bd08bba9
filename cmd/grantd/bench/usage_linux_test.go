package bench

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// A server hashes passwords in a process of its own, which counts as the server's.
func TestUsageIsOfChildrenToo(t *testing.T) {
	before := usageOf(os.Getpid())
	cmd := exec.Command("sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	grows := func(than usage) usage {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			now := usageOf(os.Getpid())
			if now.cpu >= than.cpu+50*time.Millisecond && now.known {
				return now
			}
			if time.Now().After(deadline) {
				t.Fatalf("%+v, and before %+v", now, than)
			}
		}
	}
	running := grows(before)
	if alone := usageOfOne(os.Getpid()); running.memory <= alone.memory || running.cpu <= alone.cpu {
		t.Errorf("%+v with a child, %+v alone", running, alone)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if after := usageOf(os.Getpid()); after.cpu < running.cpu {
		t.Errorf("%v are left of %v when the child has ended", after.cpu, running.cpu)
	}
	if usageOf(1 << 30).known {
		t.Error("there is no such process")
	}
}

func TestProcessorTime(t *testing.T) {
	for stat, want := range map[string]time.Duration{
		"7 (grantd) S 1 7 7 0 -1 4194560 9 0 0 0 100 20 3 4 20 0": 1270 * time.Millisecond,
		"7 (a ) S 9) S 1 7 7 0 -1 4194560 9 0 0 0 1 0 0 0 20 0":   10 * time.Millisecond,
	} {
		if got, known := processorTime(stat); got != want || !known {
			t.Errorf("%s: %v, want %v", stat, got, want)
		}
	}
	if _, known := processorTime("7 (grantd) S 1"); known {
		t.Error("a line that is too short is understood")
	}
}
