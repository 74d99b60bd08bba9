package main

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// hasherNiceness is how much lower the priority of hashes is than ours: with 10 they get a
// tenth of a processor that requests want all of, and all of one that nobody wants.
const hasherNiceness = 10

// hasherSlice is for how long a hash keeps a processor once it has it, since Linux 6.12. Whoever wakes up, such as a server whose
// commit is on the disk, has to wait until then: three milliseconds are usual, the shortest is a tenth of one.
const hasherSlice = 100 * time.Microsecond

// ownProgram is this program even if its file was replaced by another version.
func ownProgram() string { return "/proc/self/exe" }

// lowPriority gives what lowers the priority of a thread. On Linux each has its own, and no
// privilege is needed to lower it.
func lowPriority() func() {
	have, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		return func() {}
	}
	niceness := min(20-have+hasherNiceness, 19) // the call gives 20 minus the niceness
	attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: int32(niceness), Runtime: uint64(hasherSlice)}
	return func() {
		if unix.SchedSetAttr(0, attr, 0) != nil { // not allowed, or not known
			_ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness)
		}
	}
}
