package main

import (
	"os"
	"time"
)

// clockError is the variable that makes the clock of a process wrong. Only the
// binary of the tests knows it.
const clockError = "CLOCK_ERROR"

// mainWithClock is main on a machine whose clock is wrong by clockError.
func mainWithClock() {
	off, _ := time.ParseDuration(os.Getenv(clockError)) // none: a clock that is right
	os.Exit(run(func() time.Time { return time.Now().Add(off) }))
}
