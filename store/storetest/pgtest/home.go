package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// home is the folder of everything that this test process starts. Its watchdog waits for the end
// of the process, however that comes about, ends what is still running and removes the folder.
// (Pdeathsig would not do: it fires when the thread that forked ends, which Go does not control.)
var home struct {
	sync.Mutex
	dir      string
	lifeline io.Closer // closed by the kernel at the latest
	watchdog *exec.Cmd
}

// watch reads from the lifeline until it is cut. $1 is the home. SIGQUIT is PostgreSQL's immediate
// shutdown: nobody needs the data any more. It goes to the group of each process, because initdb has
// children that write.
const watch = `
trap '' HUP INT TERM
cat
cd "$1/pids" || exit
alive() { for pid in *; do kill -0 -- "-$pid" && return; done; return 1; }
for signal in QUIT KILL; do
	for pid in *; do kill -s $signal -- "-$pid"; done
	tries=0
	while alive && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
done
cd /
tries=0
until rm -rf "$1" || [ $tries -eq 100 ]; do sleep 0.05; tries=$((tries + 1)); done
`

// folder makes a new folder in the home, which belongs to the user of the servers.
func folder(kind string) (string, error) {
	home.Lock()
	defer home.Unlock()
	if home.dir == "" {
		if err := settle(); err != nil {
			return "", err
		}
	}
	dir, err := os.MkdirTemp(home.dir, kind+"-")
	if err != nil {
		return "", err
	}
	return dir, give(dir)
}

// settle makes the home.
func settle() error {
	dir, err := os.MkdirTemp(open(os.TempDir()), "grantd-pgtest-")
	if err != nil {
		return err
	}
	// The servers run as another user when we are root.
	if err := errors.Join(os.Chmod(dir, 0o711), os.Mkdir(filepath.Join(dir, "pids"), 0o700)); err != nil {
		return err
	}
	watchdog := exec.Command("/bin/sh", "-c", watch, "sh", dir)
	watchdog.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // out of reach of ^C and of a killed process group
	watchdog.Dir = "/"
	lifeline, err := watchdog.StdinPipe()
	if err != nil {
		return err
	}
	if err := watchdog.Start(); err != nil {
		return err
	}
	home.dir, home.lifeline, home.watchdog = dir, lifeline, watchdog
	return nil
}

// open returns dir, or /tmp when other users cannot reach dir: root may have a temporary folder of
// its own.
func open(dir string) string {
	for d := filepath.Clean(dir); os.Getuid() == 0; d = filepath.Dir(d) {
		if info, err := os.Stat(d); err != nil || info.Mode()&1 == 0 {
			return "/tmp"
		}
		if d == filepath.Dir(d) {
			break
		}
	}
	return dir
}

// Stop ends all servers that this process has started and removes their files. It is for a TestMain
// that wants to wait for that; without it the same happens a moment after the process has ended.
func Stop() {
	home.Lock()
	defer home.Unlock()
	if home.dir != "" {
		home.lifeline.Close()
		home.watchdog.Wait()
		home.dir = ""
	}
}

// process is a running program.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has
}

// command prepares a program of a server. It sees none of our environment, so that a PGHOST or
// PGDATA of the person who runs the tests changes nothing.
func command(bin, dir string, args ...string) (*exec.Cmd, error) {
	cmd := exec.Command(bin, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if os.Getuid() == 0 {
		uid, gid, err := owner()
		if err != nil {
			return nil, err
		}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return cmd, nil
}

// launch starts cmd and tells the watchdog.
func launch(cmd *exec.Cmd) (*process, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	note := filepath.Join(home.dir, "pids", strconv.Itoa(cmd.Process.Pid))
	err := os.WriteFile(note, nil, 0o600)
	if err != nil {
		cmd.Process.Kill()
	}
	p := &process{cmd, make(chan struct{})}
	go func() {
		cmd.Wait()
		os.Remove(note)
		close(p.ended)
	}()
	return p, err
}

// run runs a program of PostgreSQL to its end.
func run(dir, program string, args ...string) error {
	bin, err := find(program)
	if err != nil {
		return err
	}
	cmd, err := command(bin, dir, args...)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	p, err := launch(cmd)
	if err != nil {
		return err
	}
	<-p.ended
	if !cmd.ProcessState.Success() {
		return fmt.Errorf("%s: %v: %s", program, cmd.ProcessState, &out)
	}
	return nil
}

// over reports whether the process has ended.
func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// signal sends s and waits for the end.
func (p *process) signal(s syscall.Signal) error {
	p.cmd.Process.Signal(s) // an error means that it has ended
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%s does not end at signal %q", p.cmd.Path, s)
	}
}

// owner is who runs the servers when we are root, as which they refuse to run.
func owner() (uid, gid int, err error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, fmt.Errorf("%w: PostgreSQL does not run as root: %s", err, remedy)
	}
	uid, err = strconv.Atoi(u.Uid)
	if err != nil {
		return 0, 0, err
	}
	gid, err = strconv.Atoi(u.Gid)
	return uid, gid, err
}

// give makes path the servers'.
func give(path string) error {
	if os.Getuid() != 0 {
		return nil
	}
	uid, gid, err := owner()
	if err != nil {
		return err
	}
	return os.Chown(path, uid, gid)
}

// write makes a file of the servers.
func write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return give(path)
}
