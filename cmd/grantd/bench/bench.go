// Package bench loads a grantd server and weighs what it answers against what nothing can avoid. It is what
// "grantd bench" does.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Options say what is measured. Fields without a comment on their zero value are required.
type Options struct {
	// Operations are the names of what is measured. Empty means all, or none where there is a Mix.
	Operations []string
	// Mix is a load of several operations at once. Empty means none.
	Mix         []Weight
	Connections int
	// Rate is how many requests begin in a second. Zero means that each connection sends its next as soon as the one before
	// is answered.
	Rate float64
	// Guesses is how many wrong passwords are sent in a second, from 10,000 addresses, beside each operation. Zero means none.
	Guesses float64
	// For and Count bound each run, by time and by requests. One of them may be zero.
	For   time.Duration
	Count int64
	// Runs is how often each operation is measured; the median counts.
	Runs int
	// Cores is how many processors the server has for itself; the load has the others. Zero, or more than can be
	// spared, means that they share all.
	Cores int
	// Authorizations are in the database before the first run, Clients as well. Of the authorizations that a run begins, Chains
	// are refreshed in turn.
	Authorizations, Chains, Clients int
	// HashCost is the bcrypt cost of passwords. Zero means 12.
	HashCost int
	// Database is an empty one for the server that is started. Empty means a SQLite file that is thrown away.
	Database string
	// TLS has the server that is started serve https.
	TLS bool
	// Folder is for what is thrown away, on the disk that SQLite is to be measured on.
	Folder string
	// Profiles is the folder that takes a profile of each operation. Empty means that none are made.
	Profiles string
	// Settings are further ones for the server that is started, as its environment has them.
	Settings []string
	// Remote is a server that runs already. Nil means that one is started.
	Remote *Remote
	// Version is that of this program, for the report.
	Version string
	// Progress hears of each step. Required.
	Progress io.Writer
	// Live says that Progress is a terminal, on which a line can be written over.
	Live bool
}

// Weight is how often an operation is chosen, as against the others of a mix.
type Weight struct {
	Operation string
	Weight    float64
}

// Bounds of what is asked for: nothing reaches them, and beyond them sums overflow.
const (
	mostRate  = 1e9
	mostAdded = 100_000_000
)

// Check says what is wrong with the options.
func (o *Options) Check() error {
	for _, name := range o.Operations {
		if _, err := operationOf(name); err != nil {
			return err
		}
	}
	if err := checkMix(o.Mix); err != nil {
		return err
	}
	switch {
	case o.Connections < 1:
		return errors.New("a load needs at least one connection")
	case o.For < 0 || o.Count < 0 || o.For == 0 && o.Count == 0:
		return errors.New("a load needs an end: give a time or a number of requests")
	case o.Runs < 1:
		return errors.New("there must be at least one run")
	case !(o.Rate >= 0 && o.Rate <= mostRate): // which NaN is not either
		return fmt.Errorf("the rate is not a number from 0 to %d", int(mostRate))
	case !(o.Guesses >= 0 && o.Guesses <= mostGuesses):
		return fmt.Errorf("the guesses a second are not a number from 0 to %d", mostGuesses)
	case o.Guesses > 0 && (o.Remote != nil || len(o.works()) == 0 || o.works()[0].has(func(op operation) bool { return op.beside })):
		return errors.New("guesses are sent to a server that is started, beside an operation that has nothing else beside it")
	case o.Authorizations < 0 || o.Chains < 0 || o.Clients < 0 || o.Cores < 0:
		return errors.New("there cannot be fewer than no authorizations, chains, clients or cores")
	case max(o.Authorizations, o.Chains, o.Clients) > mostAdded:
		return fmt.Errorf("at most %d authorizations, chains or clients are added", mostAdded)
	case o.HashCost != 0 && (o.HashCost < 10 || o.HashCost > 16):
		return errors.New("a server takes bcrypt costs from 10 to 16")
	}
	connections := o.Connections
	if o.Guesses > 0 {
		connections += guessers
	}
	return checkFiles(connections)
}

// works are what is measured, in order.
func (o *Options) works() (all []work) {
	for _, op := range operations {
		if slices.Contains(o.Operations, op.name) || len(o.Operations) == 0 && len(o.Mix) == 0 {
			all = append(all, work{name: op.name, about: op.about, parts: []part{{op, 1}}})
		}
	}
	if len(o.Mix) > 0 {
		all = append(all, mixed(o.Mix))
	}
	return all
}

// Run measures. What it needs it makes in o.Folder, and stops what it started. Requests that fail are no error of
// Run: the report counts them.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.HashCost == 0 {
		o.HashCost = 12
	}
	r := newReport(&o)
	measure := runStarted
	if o.Remote != nil {
		measure = runRemote
	}
	if err := measure(ctx, &o, r); err != nil {
		return nil, err
	}
	r.conclude()
	return r, nil
}

// runStarted measures a server that it starts.
func runStarted(ctx context.Context, o *Options, r *Report) error {
	temporary := o.Database == ""
	if temporary {
		o.Database = sqliteIn(o.Folder, "grantd")
		r.noteDisk(o.Folder)
	}
	server, load, err := split(o.Cores)
	if err != nil {
		return err
	}
	r.ServerCores, r.LoadCores = len(server), len(load)
	say(o, "fills a database: %d authorizations, %d clients", o.Authorizations, o.Clients)
	st, err := newStage(ctx, o)
	if err != nil {
		return err
	}
	defer st.db.Close()
	all := slices.Concat(server, load)
	if err := moveTo(load); err != nil {
		return fmt.Errorf("leave processors to the server: %w", err)
	}
	defer moveTo(all)
	if err := r.measureStart(ctx, st, server, temporary); err != nil {
		return err
	}
	narrow, wide := parted(o.works())
	if err := r.measureOn(ctx, st, server, narrow); err != nil {
		return err
	}
	if err := moveTo(all); err != nil {
		return err
	}
	return r.measureOn(ctx, st, nil, wide)
}

// parted tells apart what needs all processors.
func parted(works []work) (narrow, wide []work) {
	for _, w := range works {
		if slices.ContainsFunc(w.parts, func(p part) bool { return p.hashes }) {
			wide = append(wide, w)
		} else {
			narrow = append(narrow, w)
		}
	}
	return narrow, wide
}

// split says which processors the server has and which the load, both nil where they share all.
func split(cores int) (server, load []int, err error) {
	on, err := processors()
	if err != nil || cores <= 0 || cores >= len(on) {
		return nil, nil, err
	}
	return on[:cores], on[cores:], nil
}

func say(o *Options, format string, args ...any) { fmt.Fprintf(o.Progress, format+"\n", args...) }
