package main

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// onProcessors calls start, so that the processes which it starts stay on the first n processors that this one has.
func onProcessors(t testing.TB, n int, start func()) {
	t.Helper()
	runtime.LockOSThread() // processes inherit from the thread that starts them
	defer runtime.UnlockOSThread()
	var all, first unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	for cpu := 0; cpu < len(all)*64 && first.Count() < min(n, all.Count()); cpu++ {
		if all.IsSet(cpu) {
			first.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &first); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.SchedSetaffinity(0, &all); err != nil {
			t.Fatal(err)
		}
	}()
	start()
}
