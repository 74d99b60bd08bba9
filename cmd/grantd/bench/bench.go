// Package bench loads a grantd server and weighs what it answers against what nothing can avoid. It is what
// "grantd bench" does.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Options say what is measured. Fields without a comment on their zero value are required.
type Options struct {
	// Operations are the names of what is measured. Empty means all.
	Operations  []string
	Connections int
	// Rate is how many requests begin in a second. Zero means that each connection sends its next as soon as the one before
	// is answered.
	Rate float64
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
	// Progress hears of each step. Required.
	Progress io.Writer
}

// Check says what is wrong with the options.
func (o *Options) Check() error {
	var names []string
	for _, op := range operations {
		names = append(names, op.name)
	}
	for _, name := range o.Operations {
		if !slices.Contains(names, name) {
			return fmt.Errorf("there is no operation %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	switch {
	case o.Connections < 1:
		return errors.New("a load needs at least one connection")
	case o.For <= 0 && o.Count <= 0:
		return errors.New("a load needs an end: give a time or a number of requests")
	case o.Runs < 1:
		return errors.New("there must be at least one run")
	case o.Rate < 0:
		return errors.New("the rate is negative")
	}
	return nil
}

func (o *Options) wanted(op operation) bool {
	return len(o.Operations) == 0 || slices.Contains(o.Operations, op.name)
}

// Run measures. What it needs it makes in o.Folder, and stops what it started.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Database == "" {
		o.Database = sqliteIn(o.Folder)
	}
	r := newReport(&o)
	server, load, err := split(o.Cores)
	if err != nil {
		return nil, err
	}
	if len(server) > 0 {
		if err := moveTo(load); err != nil {
			return nil, fmt.Errorf("leave processors to the server: %w", err)
		}
	}
	r.ServerCores, r.LoadCores = max(len(server), 0), len(load)
	fmt.Fprintf(o.Progress, "fills a database with %d authorizations\n", o.Authorizations)
	st, err := newStage(ctx, o.Database, o.Clients, o.Authorizations)
	if err != nil {
		return nil, err
	}
	defer st.db.Close()
	var narrow, wide []operation
	for _, op := range operations {
		switch {
		case !o.wanted(op):
		case op.hashes:
			wide = append(wide, op)
		default:
			narrow = append(narrow, op)
		}
	}
	if err := r.measure(ctx, &o, st, server, narrow); err != nil {
		return nil, err
	}
	if err := r.measure(ctx, &o, st, nil, wide); err != nil {
		return nil, err
	}
	r.conclude()
	return r, nil
}

// split says which processors the server has and which the load, both nil where they share all.
func split(cores int) (server, load []int, err error) {
	on, err := processors()
	if err != nil || cores <= 0 || cores >= len(on) {
		return nil, nil, err
	}
	return on[:cores], on[cores:], nil
}
