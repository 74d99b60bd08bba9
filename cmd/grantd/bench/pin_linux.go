package bench

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// processors are those that this process may run on.
func processors() (on []int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, err
	}
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			on = append(on, cpu)
		}
	}
	return on, nil
}

func setOf(on []int) *unix.CPUSet {
	set := &unix.CPUSet{}
	for _, cpu := range on {
		set.Set(cpu)
	}
	return set
}

// endsWithUs has the system end a process when this one ends, however it does.
func endsWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// startOn starts a process that runs, with all that it starts, on these processors only. None means where this process
// runs.
func startOn(on []int, cmd *exec.Cmd) error {
	if len(on) == 0 {
		return cmd.Start()
	}
	runtime.LockOSThread() // it inherits from this thread; one that is not set back is never used again
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	if err := unix.SchedSetaffinity(0, setOf(on)); err != nil {
		return err
	}
	err := cmd.Start()
	if err := unix.SchedSetaffinity(0, &before); err != nil {
		return err
	}
	runtime.UnlockOSThread()
	return err
}

// moveTo has this process run on these processors only: every thread of it, and with that all that come.
func moveTo(on []int) error {
	if len(on) == 0 {
		return nil
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			if err := unix.SchedSetaffinity(id, setOf(on)); err != nil && err != unix.ESRCH {
				return err
			}
		}
	}
	runtime.GOMAXPROCS(len(on))
	return nil
}
