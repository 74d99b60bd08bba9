package pgtest

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what should come at once.
const patience = 60 * time.Second

// The users of each cluster. role owns the databases of tests.
const (
	superuser = "postgres"
	role      = "grantd"
)

// Options of a cluster.
type Options struct {
	// Settings are lines of postgresql.conf.
	Settings map[string]string
	// MaxConnections is how many clients may connect. Zero means PostgreSQL's 100, of which three
	// are kept for the superuser.
	MaxConnections int
	// NoSync turns fsync off: what was committed survives a crash of the server but not of the
	// machine.
	NoSync bool
}

// Cluster is a PostgreSQL server and its data. Its methods end the test at a failure. Those that
// start and stop it are for one goroutine at a time.
type Cluster struct {
	t        testing.TB // nil for the shared cluster, of which only database is used
	dir      string
	port     int
	password string
	proc     *process
}

// Mode is how a cluster stops.
type Mode syscall.Signal

// The modes of pg_ctl.
const (
	Smart     = Mode(syscall.SIGTERM) // waits until the last client is gone
	Fast      = Mode(syscall.SIGINT)  // ends all sessions, then stops in good order
	Immediate = Mode(syscall.SIGQUIT) // recovers at the next start, as after a crash
)

// Start starts a cluster of its own for a test that stops or breaks it. It ends with the test.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c, err := create(o)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	c.t = t
	t.Cleanup(c.remove)
	c.must(c.start())
	return c
}

// create makes the data of a cluster.
func create(o Options) (*Cluster, error) {
	dir, err := folder("postgres")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, password: crand.Text()}
	secret := filepath.Join(dir, "password")
	if err := write(secret, c.password); err != nil {
		return nil, err
	}
	if err := run(dir, "initdb", "--no-sync", "--no-instructions", "--username", superuser,
		"--auth", "scram-sha-256", "--pwfile", secret, "--encoding", "UTF8", "--locale", "C",
		"--locale-provider", "icu", "--icu-locale", "en-US", c.data()); err != nil {
		return nil, err
	}
	return c, c.configure(o)
}

// configure appends to postgresql.conf, where the last of two equal settings counts.
func (c *Cluster) configure(o Options) error {
	settings := map[string]string{
		"listen_addresses":           "127.0.0.1",
		"unix_socket_directories":    "",
		"dynamic_shared_memory_type": "mmap", // in the data folder: a crash leaves nothing in /dev/shm
		"wal_keep_size":              "256MB",
	}
	if o.MaxConnections != 0 {
		settings["max_connections"] = strconv.Itoa(o.MaxConnections)
	}
	if o.NoSync {
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
	}
	maps.Copy(settings, o.Settings)
	conf, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(conf, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	return conf.Close()
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// start starts the server for the first time.
func (c *Cluster) start() error {
	if err := c.bootAnywhere(); err != nil {
		return err
	}
	return c.exec(context.Background(), "CREATE ROLE "+role+" LOGIN PASSWORD '"+c.password+"'")
}

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

var errPortTaken = errors.New("the port is taken")

// retryPort calls f with free ports until one is still free when f uses it. The ports are below
// those that systems give out on their own, so that nobody takes one while its server is stopped.
func retryPort(f func(port int) error) (err error) {
	for range 20 {
		port := 15_000 + rand.IntN(15_000)
		l, listenErr := net.Listen("tcp", address(port))
		if err = listenErr; err != nil {
			continue
		}
		l.Close()
		if err = f(port); !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// URL returns the URL of a database for the user who owns the databases of tests.
func (c *Cluster) URL(name string) string { return c.url(role, name) }

// AdminURL returns the URL of a database for the superuser.
func (c *Cluster) AdminURL(name string) string { return c.url(superuser, name) }

func (c *Cluster) url(user, name string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, c.password), Host: address(c.port),
		Path: "/" + name, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// CreateDatabase returns the URL of a new, empty database, which is dropped at the end of the test.
func (c *Cluster) CreateDatabase() string {
	c.t.Helper()
	return c.database(c.t)
}

// Exec runs a statement as the superuser, for what a test wants to change.
func (c *Cluster) Exec(sql string) {
	c.t.Helper()
	c.must(c.exec(c.t.Context(), sql))
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
	// A crash leaves a segment of shared memory behind, which the next start would find and remove.
	if lock, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid")); err == nil {
		if lines := strings.Split(string(lock), "\n"); len(lines) > 6 {
			key, id, _ := strings.Cut(strings.TrimSpace(lines[6]), " ")
			if key != "" {
				exec.Command("ipcrm", "-m", strings.TrimSpace(id)).Run()
			}
		}
	}
	c.must(os.RemoveAll(c.dir))
}

func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("pgtest: %v", err)
	}
}
