package main

import (
	"os"
	"runtime/debug"
)

// garbage is how much the heap may grow until it is collected, in percent of what is alive: what a request leaves behind is
// much, and what a server keeps is little. Twice as much as Go's own setting saves a twentieth of the processor and costs some
// 10 MB under load. See docs/benchmarks.md.
const garbage = 200

// collectSeldom sets that, unless the operator has said otherwise.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}
