package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a TLS certificate that follows its files.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	seen    pairState
}

// pairState tells one content of the two files from another.
type pairState struct{ cert, key fileState }

type fileState struct {
	modified time.Time
	size     int64
}

func newCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	return c, c.reload()
}

// get answers a handshake, which costs far more than the look at the files. A
// pair that cannot be read, perhaps half written, leaves the one before in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.reload(); err != nil {
		c.log.Warn("the TLS certificate was not reloaded, the one before stays in use", "error", err)
	}
	return c.current, nil
}

// until is when the one in use ends to be good.
func (c *certificate) until() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil || c.current.Leaf == nil {
		return time.Time{}
	}
	return c.current.Leaf.NotAfter
}

// reload reads the files if they changed since it last did.
func (c *certificate) reload() error {
	state := pairState{stateOf(c.certFile), stateOf(c.keyFile)}
	if c.current != nil && state == c.seen {
		return nil
	}
	c.seen = state // first: a bad pair is reported once
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("tls.cert_file and tls.key_file: %w", err)
	}
	c.current = &pair
	return nil
}

// stateOf gives the zero state to a file that is not there.
func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info.ModTime(), info.Size()}
}
