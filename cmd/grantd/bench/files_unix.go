//go:build unix

package bench

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// spareFiles is how many files a process has open beside its connections.
const spareFiles = 100

// checkFiles says whether so many connections can be open. Go has raised the limit as far as it may be raised.
func checkFiles(connections int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if need := uint64(connections + besides + spareFiles); uint64(limit.Max) < need {
		return fmt.Errorf("%d connections need %d open files, and this process may have %d; raise the limit (ulimit -Hn %d) or use fewer connections",
			connections, need, uint64(limit.Max), need)
	}
	return nil
}
