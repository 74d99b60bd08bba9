package main

import "syscall"

// hasherNiceness is how much lower the priority of hashes is than ours: with 10 they get a
// tenth of a processor that requests want all of, and all of one that nobody wants.
const hasherNiceness = 10

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
	return func() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, niceness) }
}
