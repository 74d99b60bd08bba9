package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/rpc"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// hasherLimit is how long a hash may take. Whoever asked for it has given up before; the process is ended.
const hasherLimit = 30 * time.Second

// hasherRest is how long there is nothing to hash until the process that hashes is ended: it
// takes memory.
const hasherRest = time.Minute

// hasher hashes passwords in a process of its own, which gives way to this one.
//
// A hash takes a quarter of a second. In a goroutine it would hold one of Go's processors for
// ten milliseconds at a time, whoever waits: on a machine with one, everybody. Threads with a lower
// priority would need more of Go's processors than the machine has, which slows down everything
// else. The system shares the machine between two processes as told, and to the millisecond.
//
// The process is started when first needed, and again after it died. It gets neither
// settings nor the master key: what it is sent is one hash and one password at a time, over a pipe.
// Where it cannot be started, passwords are hashed here until it is tried again.
type hasher struct {
	log   *slog.Logger
	path  string // of this program
	rest  time.Duration
	limit time.Duration // for one hash

	mu      sync.Mutex
	running *hashProcess // nil while there is none
	busy    int          // hashes under way
	idle    *time.Timer
	again   time.Time // when a start is tried again, after one that failed
	closed  bool      // none is started any more

	died, unstarted atomic.Uint64 // how often it did, or did not start
}

// hashProcess is one run of "grantd hash-passwords".
type hashProcess struct {
	*rpc.Client
	cmd *exec.Cmd
	end func() // may be called more than once
}

func newHasher(log *slog.Logger) *hasher {
	h := &hasher{log: log, path: ownProgram(), rest: hasherRest, limit: hasherLimit}
	h.idle = time.AfterFunc(hasherRest, h.endIdle)
	return h
}

// Match is server.Hasher.
func (h *hasher) Match(hash, password string) (match bool, err error) {
	return call(h, HashRequest{Hash: hash, Password: []byte(password)}, "Match", hashing.Match)
}

// Hash is server.Hasher.
func (h *hasher) Hash(password string, cost int) (hash string, err error) {
	return call(h, HashRequest{Password: []byte(password), Cost: cost}, "Hash", hashing.Hash)
}

// Trouble tells how often the process died, and how often none could be started.
func (h *hasher) Trouble() (died, unstarted uint64) { return h.died.Load(), h.unstarted.Load() }

// call asks a second process when the first died: the system may have ended it for its memory. What
// there is no process for is done here.
func call[T any](h *hasher, request HashRequest, method string, here func(hashing, HashRequest, *T) error) (T, error) {
	defer clear(request.Password)
	var err error
	for range 2 {
		p := h.take()
		if p == nil {
			return inHere(request, here)
		}
		var reply T
		reply, err = ask[T](p, method, request, h.limit)
		refusal, ok := err.(rpc.ServerError)
		h.giveBack(p, err != nil && !ok)
		switch {
		case ok:
			return reply, fmt.Errorf("hash a password: %s", string(refusal))
		case err == nil, errors.Is(err, errNoAnswer): // another one would not be faster
			return reply, err
		}
	}
	if method == "Hash" || strings.HasPrefix(request.Hash, "$2") { // bcrypt takes 4 kB: that is not what it died of
		return inHere(request, here)
	}
	var none T
	return none, fmt.Errorf("the process that hashes passwords died twice: %w", err)
}

func inHere[T any](request HashRequest, here func(hashing, HashRequest, *T) error) (reply T, err error) {
	err = here(hashing{}, request, &reply)
	return reply, err
}

// errNoAnswer says that a process has hung, or been given a hash without end.
var errNoAnswer = errors.New("the process that hashes passwords did not answer")

// ask waits for so long. What comes later is in a reply that nobody looks at.
func ask[T any](p *hashProcess, method string, request HashRequest, limit time.Duration) (reply T, err error) {
	answer := new(T)
	asked := p.Go(hashService+"."+method, request, answer, make(chan *rpc.Call, 1))
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-asked.Done:
		return *answer, asked.Error
	case <-timer.C:
		return reply, fmt.Errorf("%w within %v", errNoAnswer, limit)
	}
}

// take gives the process that runs, or a new one, or nil.
func (h *hasher) take() *hashProcess {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running == nil && !h.closed && !time.Now().Before(h.again) {
		p, err := startHashProcess(h.path)
		if err != nil {
			h.again = time.Now().Add(h.rest) // the system may have been short of processes, or memory, for a moment
			h.unstarted.Add(1)
			h.log.Warn("passwords are hashed in this process, and slow other requests down: the one for them does not start", "error", err)
			return nil
		}
		h.running = p
	}
	if h.running != nil {
		h.busy++
	}
	return h.running
}

func (h *hasher) giveBack(p *hashProcess, died bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy--
	if !h.closed {
		h.idle.Reset(h.rest)
	}
	if !died {
		return
	}
	p.end()
	if h.running == p {
		h.running = nil
		h.died.Add(1)
		h.log.Warn("the process that hashes passwords died; another one is started", "state", p.cmd.ProcessState.String())
	}
}

// endIdle ends the process if it has nothing to do.
func (h *hasher) endIdle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running != nil && h.busy == 0 {
		h.running.end()
		h.running = nil
	}
}

// close ends the process, whatever it does.
func (h *hasher) close() {
	h.idle.Stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true // a login that is still under way starts none
	if h.running != nil {
		h.running.end()
		h.running = nil
	}
}

func startHashProcess(path string) (*hashProcess, error) {
	cmd := exec.Command(path)
	cmd.Args = []string{"grantd", hashCommand} // whatever the path, which may be /proc/self/exe
	cmd.Env = []string{}                       // no settings, no secrets
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	client := rpc.NewClient(pipes{out, in})
	return &hashProcess{Client: client, cmd: cmd, end: sync.OnceFunc(func() {
		cmd.Process.Kill()
		client.Close()
		cmd.Wait()
	})}, nil
}

// pipes are a connection to another process.
type pipes struct {
	io.Reader
	io.WriteCloser
}
