// Command grantd is an OAuth 2.0 authorization server.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/grantd/grantd/config"
)

// Exit statuses (contract §1).
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(run(nil)) }

// run is the program on a machine with that clock. Nil means time.Now.
func run(clock func() time.Time) int {
	hangup, release := untilHangup()
	defer release()
	ctx, stop := signal.NotifyContext(hangup, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, clock: clock}
	return a.execute(ctx, os.Args[1:])
}

// untilHangup ends with the terminal, which may tell so twice: the shell does,
// then the system. Under nohup it does not end.
func untilHangup() (context.Context, context.CancelFunc) {
	if signal.Ignored(syscall.SIGHUP) {
		return context.WithCancel(context.Background())
	}
	return signal.NotifyContext(context.Background(), syscall.SIGHUP)
}

// app is one run of the program.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	started        bool // the arguments were understood
	configFile     string
	output         string
	command        string           // its name, with those of the commands that it belongs to
	clock          func() time.Time // nil: time.Now
}

func (a *app) now() time.Time {
	if a.clock == nil {
		return time.Now()
	}
	return a.clock()
}

func (a *app) execute(ctx context.Context, args []string) int {
	root := a.newRoot()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitOK
	case !a.started:
		fmt.Fprintf(a.stderr, "grantd: %s; see \"%s --help\"\n", oneLine(err), cmd.CommandPath())
		return exitUsage
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		err = errors.New("interrupted; run it again to finish")
	}
	a.complain(err)
	return exitFailed
}

// complain prints one line for an error, or one for each of many problems.
func (a *app) complain(err error) {
	var problems config.Problems
	if !errors.As(err, &problems) {
		fmt.Fprintf(a.stderr, "grantd: %s\n", oneLine(err))
		return
	}
	for _, p := range problems {
		fmt.Fprintf(a.stderr, "grantd: %s\n", oneLine(p))
	}
}

// allProblems joins what is wrong into one list: nobody mends one thing only to
// meet the next.
func allProblems(errs ...error) error {
	var all config.Problems
	for _, err := range errs {
		var several config.Problems
		switch {
		case err == nil:
		case errors.As(err, &several):
			all = append(all, several...)
		default:
			all = append(all, config.Problem{What: err.Error()})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func oneLine(err error) string { return printable(strings.Join(strings.Fields(err.Error()), " ")) }
