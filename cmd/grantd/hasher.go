package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/rpc"
	"os/exec"
	"strings"
	"sync"
	"time"
)

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
	log  *slog.Logger
	path string // of this program
	rest time.Duration

	mu      sync.Mutex
	running *hashProcess // nil while there is none
	busy    int          // hashes under way
	idle    *time.Timer
	again   time.Time // when a start is tried again, after one that failed
}

// hashProcess is one run of "grantd hash-passwords".
type hashProcess struct {
	*rpc.Client
	cmd *exec.Cmd
	end func() // may be called more than once
}

func newHasher(log *slog.Logger) *hasher {
	h := &hasher{log: log, path: ownProgram(), rest: hasherRest}
	h.idle = time.AfterFunc(hasherRest, h.endIdle)
	return h
}

// Match is server.Hasher.
func (h *hasher) Match(hash, password string) (match bool, err error) {
	err = h.call("Match", HashRequest{Hash: hash, Password: password}, &match)
	return match, err
}

// Hash is server.Hasher.
func (h *hasher) Hash(password string, cost int) (hash string, err error) {
	err = h.call("Hash", HashRequest{Password: password, Cost: cost}, &hash)
	return hash, err
}

// call asks a second process when the first died: the system may have ended it for its memory.
func (h *hasher) call(method string, request HashRequest, reply any) error {
	var err error
	for range 2 {
		p := h.take()
		if p == nil {
			return h.here(method, request, reply)
		}
		err = p.Call(hashService+"."+method, request, reply)
		refusal, ok := err.(rpc.ServerError)
		died := err != nil && !ok
		h.giveBack(p, died)
		if !died {
			if ok {
				return fmt.Errorf("hash a password: %s", string(refusal))
			}
			return nil
		}
	}
	if method == "Hash" || strings.HasPrefix(request.Hash, "$2") { // bcrypt takes 4 kB: that is not what it died of
		return h.here(method, request, reply)
	}
	return fmt.Errorf("the process that hashes passwords died twice: %w", err)
}

// here does in this process what there is no other for.
func (h *hasher) here(method string, request HashRequest, reply any) error {
	if method == "Match" {
		return hashing{}.Match(request, reply.(*bool))
	}
	return hashing{}.Hash(request, reply.(*string))
}

// take gives the process that runs, or a new one, or nil.
func (h *hasher) take() *hashProcess {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running == nil && !time.Now().Before(h.again) {
		p, err := startHashProcess(h.path)
		if err != nil {
			h.again = time.Now().Add(h.rest) // the system may have been short of processes, or memory, for a moment
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
	h.idle.Reset(h.rest)
	if !died {
		return
	}
	p.end()
	if h.running == p {
		h.running = nil
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
