package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Mode is how a cluster stops.
type Mode syscall.Signal

// The modes of pg_ctl.
const (
	Smart     = Mode(syscall.SIGTERM) // waits until the last client is gone
	Fast      = Mode(syscall.SIGINT)  // ends all sessions, then stops in good order
	Immediate = Mode(syscall.SIGQUIT) // recovers at the next start, as after a crash
)

// bootAnywhere starts the server on a free port, which stays its own.
func (c *Cluster) bootAnywhere() error {
	return retryPort(func(port int) error {
		c.port = port
		return c.boot()
	})
}

// boot starts the server and returns once it answers.
func (c *Cluster) boot() error {
	bin, err := find("postgres")
	if err != nil {
		return err
	}
	cmd, err := command(bin, c.dir, "-D", c.data(), "-p", strconv.Itoa(c.port))
	if err != nil {
		return err
	}
	log, err := os.OpenFile(c.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log // a file: a pipe would break when we are killed first
	from, err := log.Seek(0, 2)
	if err != nil {
		return err
	}
	if c.proc, err = launch(cmd); err != nil {
		return err
	}
	return await(c.proc, func() error { return c.exec(context.Background(), "SELECT 1") }, func() string {
		text, _ := os.ReadFile(c.log())
		return string(text[min(int(from), len(text)):])
	})
}

func (c *Cluster) log() string { return filepath.Join(c.dir, "log") }

// await returns once ask succeeds, or with what the process has logged when it has ended before.
func await(p *process, ask func() error, log func() string) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := ask()
		switch {
		case p.over() && strings.Contains(log(), "ddress already in use"): // what answers there is not ours
			return errPortTaken
		case p.over():
			return fmt.Errorf("%s: %v: %s", p.cmd.Path, p.cmd.ProcessState, log())
		case err == nil:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%s does not answer: %w: %s", p.cmd.Path, err, log())
		}
	}
}

// Stop stops the server. Start starts it again.
func (c *Cluster) Stop(mode Mode) {
	c.t.Helper()
	c.must(c.proc.signal(syscall.Signal(mode)))
}

// Start starts a server that was stopped or killed, on the same port and with the same data.
func (c *Cluster) Start() {
	c.t.Helper()
	c.must(c.boot())
}

// Kill ends all processes of the server at once, as a crash does.
func (c *Cluster) Kill() {
	c.t.Helper()
	if c.proc.over() {
		return
	}
	// Stopped, the postmaster starts no more children. They go first: one that still ran would keep
	// the next start from the shared memory.
	c.proc.cmd.Process.Signal(syscall.SIGSTOP)
	for pids := children(c.proc.cmd.Process.Pid); len(pids) > 0; pids = children(c.proc.cmd.Process.Pid) {
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(time.Millisecond)
	}
	c.must(c.proc.signal(syscall.SIGKILL))
}

// children returns the living processes that pid has started. Without /proc there are none; those
// of a PostgreSQL end shortly after it.
func children(pid int) (found []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, _ := os.ReadFile(path)
		var parent int
		var state string
		// The name of the program, in parentheses, may hold anything but a postmaster's does not.
		_, rest, _ := strings.Cut(string(stat), ") ")
		if _, err := fmt.Sscan(rest, &state, &parent); err == nil && parent == pid && state != "Z" {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			found = append(found, child)
		}
	}
	return found
}

// Logs returns what the server has logged so far.
func (c *Cluster) Logs() string {
	c.t.Helper()
	text, err := os.ReadFile(c.log())
	if !errors.Is(err, fs.ErrNotExist) {
		c.must(err)
	}
	return string(text)
}

// remove ends the server and its data.
func (c *Cluster) remove() {
	if c.proc != nil {
		c.must(c.proc.signal(syscall.SIGQUIT))
	}
	c.freeMemory()
	c.must(os.RemoveAll(c.dir))
}

// freeMemory removes the segment of shared memory that a crash leaves behind, as the next start
// would. postmaster.pid, which is there after a crash only, names it in its seventh line: key, id.
func (c *Cluster) freeMemory() {
	lock, _ := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if lines := strings.Split(string(lock), "\n"); len(lines) > 6 {
		if segment := strings.Fields(lines[6]); len(segment) == 2 {
			exec.Command("ipcrm", "-m", segment[1]).Run()
		}
	}
}
