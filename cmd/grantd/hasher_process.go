package main

import (
	"fmt"
	"net/rpc"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/grantd/grantd/server"
	"github.com/spf13/cobra"
)

const (
	hashCommand = "hash-passwords"
	hashService = "Passwords"
)

// hasherCommand is the process that hashes for a server. It ends with its standard input, and so
// with the server, however that ends: signals that are meant for both are for the server to obey.
func (a *app) hasherCommand() *cobra.Command {
	return &cobra.Command{
		Use: hashCommand, Short: "Hash passwords for a server, which starts this by itself", Hidden: true, Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			service := rpc.NewServer()
			if err := service.RegisterName(hashService, hashing{giveWay: lowPriority()}); err != nil {
				return err
			}
			service.ServeConn(pipes{os.Stdin, os.Stdout})
			return nil
		},
	}
}

// HashRequest is one password for the other process, with the hash it is compared with or the
// cost of a new one.
type HashRequest struct {
	Hash     string
	Password []byte // cleared on both sides when it was hashed
	Cost     int
}

// hashing is what the other process can do. giveWay is done on the thread before each hash.
type hashing struct{ giveWay func() }

// Match answers server.Hasher.Match.
func (h hashing) Match(r HashRequest, match *bool) error {
	defer clear(r.Password)
	return h.do(func() (err error) {
		*match, err = server.OwnHasher{}.Match(r.Hash, string(r.Password))
		return err
	})
}

// Hash answers server.Hasher.Hash.
func (h hashing) Hash(r HashRequest, hash *string) error {
	defer clear(r.Password)
	return h.do(func() (err error) {
		*hash, err = server.OwnHasher{}.Hash(string(r.Password), r.Cost)
		return err
	})
}

// do keeps what one password does to the process from all others.
func (h hashing) do(hash func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	if h.giveWay == nil {
		return hash()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	h.giveWay()
	return hash()
}
