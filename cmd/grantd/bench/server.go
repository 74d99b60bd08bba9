package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is another run of this program, which is loaded or measured.
type process struct {
	cmd   *exec.Cmd
	log   *os.File // what it writes to standard error
	ended chan error
	// Listen and Ops are the addresses of its listeners.
	Listen, Ops string
}

// launch starts this program with arguments and an environment of its own, on some of the processors, and returns when it says
// where it listens. Its log goes into a file of the folder.
func launch(ctx context.Context, folder string, on []int, environment []string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self, args...), ended: make(chan error, 1)}
	p.cmd.Env = environment
	if p.log, err = os.CreateTemp(folder, "log-*"); err != nil {
		return nil, err
	}
	p.cmd.Stderr = p.log
	if err := startOn(on, p.cmd); err != nil {
		return nil, err
	}
	go func() { p.ended <- p.cmd.Wait() }()
	if err := p.listening(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// launchServer is launch of "grantd serve" with settings.
func launchServer(ctx context.Context, folder string, on []int, settings ...string) (*process, error) {
	return launch(ctx, folder, on, settings, "serve", "--migrate", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")
}

// listening waits until the log says where the process listens.
func (p *process) listening(ctx context.Context) error {
	for {
		if p.readLog() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-p.ended:
			p.ended <- err
			text, _ := os.ReadFile(p.log.Name())
			return fmt.Errorf("the server to be loaded ended (%v): %s", err, bytes.TrimSpace(text))
		case <-time.After(time.Millisecond):
		}
	}
}

// readLog finds the record with which a server starts.
func (p *process) readLog() bool {
	f, err := os.Open(p.log.Name())
	if err != nil {
		return false
	}
	defer f.Close()
	for lines := bufio.NewScanner(io.LimitReader(f, 1<<20)); lines.Scan(); {
		var record struct {
			Msg    string `json:"msg"`
			Listen string `json:"listen"`
			Ops    string `json:"ops_listen"`
		}
		if json.Unmarshal(lines.Bytes(), &record) == nil && record.Msg == startRecord {
			p.Listen, p.Ops = record.Listen, record.Ops
			return true
		}
	}
	return false
}

// startRecord is what "grantd serve" logs when it listens.
const startRecord = "grantd starts"

// stop ends the process as an operator would.
func (p *process) stop() error {
	defer os.Remove(p.log.Name())
	defer p.log.Close()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended: // a signal may be how it ended
		return nil
	case <-time.After(patience):
		return p.cmd.Process.Kill()
	}
}

// sqliteIn is a new database in a folder.
func sqliteIn(folder string) string { return "sqlite:" + filepath.Join(folder, "grantd.db") }
