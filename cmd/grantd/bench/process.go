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
	"strings"
	"syscall"
	"time"
)

// process is another run of this program, which is loaded or measured.
type process struct {
	cmd     *exec.Cmd
	log     string // file of what it writes to standard error
	started time.Time
	ended   chan struct{}
	err     error // of Wait, once ended is closed
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
	log, err := os.CreateTemp(folder, "log-*")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{cmd: exec.Command(self, args...), log: log.Name(), ended: make(chan struct{})}
	p.cmd.Args[0], p.cmd.Env, p.cmd.SysProcAttr = os.Args[0], environment, endsWithUs()
	if p.cmd.Stderr, err = os.OpenFile(p.log, os.O_WRONLY|os.O_APPEND, 0); err != nil { // O_APPEND: it is emptied now and then
		return nil, err
	}
	defer p.cmd.Stderr.(io.Closer).Close()
	p.started = time.Now()
	if err := startOn(on, p.cmd); err != nil {
		return nil, err
	}
	go func() { p.err = p.cmd.Wait(); close(p.ended) }()
	if err := p.listening(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// launchServer is launch of "grantd serve" with settings.
func launchServer(ctx context.Context, folder string, on []int, settings []string) (*process, error) {
	return launch(ctx, folder, on, settings, "serve", "--migrate", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")
}

// passedOn is what a process has of our environment: what the runtime goes by, and where PostgreSQL's passwords and
// certificates are found. Nothing else changes what is measured.
func passedOn() (all []string) {
	for _, pair := range os.Environ() {
		switch name, _, _ := strings.Cut(pair, "="); {
		case name == "PATH", name == "HOME", name == "TMPDIR", name == "GOMAXPROCS", name == "GOGC", name == "GOMEMLIMIT",
			name == "GORACE", strings.HasPrefix(name, "PG"):
			all = append(all, pair)
		}
	}
	return all
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
		case <-p.ended:
			return p.died()
		case <-time.After(time.Millisecond):
		}
	}
}

// died tells of the end of a process that should not have ended.
func (p *process) died() error {
	return fmt.Errorf("the process under load ended by itself (%v); its last words: %s", p.cmd.ProcessState, p.lastWords())
}

// alive is a context that ends with the process, too.
func (p *process) alive(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-p.ended:
			cancel(p.died())
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// lastWords are the last lines of the log.
func (p *process) lastWords() string {
	f, err := os.Open(p.log)
	if err != nil {
		return "-"
	}
	defer f.Close()
	const most = 2 << 10
	if info, err := f.Stat(); err == nil && info.Size() > most {
		f.Seek(-most, io.SeekEnd)
	}
	text, _ := io.ReadAll(io.LimitReader(f, most))
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-3):], []byte(" ")))
}

// boundLog keeps the log from filling the disk: a server writes a line for each request.
func (p *process) boundLog() {
	if info, err := os.Stat(p.log); err == nil && info.Size() > mostLog {
		os.Truncate(p.log, 0)
	}
}

// readLog finds the record with which a server starts.
func (p *process) readLog() bool {
	f, err := os.Open(p.log)
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
	defer os.Remove(p.log)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended: // a signal may be how it ended
		return nil
	case <-time.After(patience):
		err := p.cmd.Process.Kill()
		<-p.ended
		return err
	}
}

// sqliteIn is a new database in a folder.
func sqliteIn(folder, name string) string { return "sqlite:" + filepath.Join(folder, name+".db") }
