package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// Remote is a server that runs already, on this machine.
type Remote struct {
	Issuer string
	// Client is a public one with the grants password and refresh_token.
	Client string
	// User logs in with Password.
	User, Password string
	// Service is a confidential client that may introspect and have tokens of its own. Empty means none: what needs one is
	// left out.
	Service, Secret string
	// PID is the server's process. Zero means that CPU and memory are not told.
	PID int
}

// runRemote measures a server that runs already.
func runRemote(ctx context.Context, o *Options, r *Report) (err error) {
	s, err := newRemoteScene(ctx, o)
	if err != nil {
		return err
	}
	works, err := o.worksFor(r)
	if err != nil {
		return err
	}
	r.Remote, r.Database, r.Authorizations, r.Clients = true, "", 0, 0
	r.note("The server ran already: limits are without its database, and only %d authorizations were refreshed, one for each connection.", o.Connections)
	b := &bench{Options: o, report: r, scene: s, cores: runtime.NumCPU(), remote: true}
	if b.limits, err = launch(ctx, o.Folder, nil, passedOn(), "bench", "limits"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.limits.stop()) }()
	b.bounds = at(b.limits.Listen)
	return b.measure(ctx, works)
}

// worksFor leaves out what needs a confidential client where there is none, unless it was asked for by name.
func (o *Options) worksFor(r *Report) (works []work, err error) {
	var without []string
	for _, w := range o.works() {
		if o.Remote.Service != "" || !w.has(func(op operation) bool { return op.service }) {
			works = append(works, w)
			continue
		}
		without = append(without, w.name)
	}
	switch {
	case len(without) == 0:
		return works, nil
	case len(o.Operations) > 0 || len(o.Mix) > 0:
		return nil, fmt.Errorf("%s: a confidential client has to ask; name one with --service", strings.Join(without, ", "))
	}
	r.note("Left out, because there is no --service: %s.", strings.Join(without, ", "))
	return works, nil
}

func newRemoteScene(ctx context.Context, o *Options) (*scene, error) {
	to, err := onLoopback(ctx, o.Remote.Issuer)
	if err != nil {
		return nil, err
	}
	s := &scene{
		target: to, pid: o.Remote.PID, app: o.Remote.Client, user: o.Remote.User, pass: o.Remote.Password, scope: "me",
	}
	if o.Remote.Service != "" {
		s.service = basicOf(o.Remote.Service, o.Remote.Secret)
	}
	if err := s.discover(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Remote.Issuer, err)
	}
	s.release = func() {} // all that refresh share the same chains
	var chains []*chain
	s.chains = func(ctx context.Context, _ int) (_ []*chain, err error) {
		if chains == nil {
			say(o, "logs in %d times", o.Connections)
			chains, err = s.logIn(ctx, o.Connections)
		}
		return slices.Clone(chains), err
	}
	s.fresh = func(ctx context.Context, n int) ([]string, error) {
		chains, err := s.chains(ctx, n)
		if err != nil {
			return nil, err
		}
		return s.refreshed(ctx, chains, n)
	}
	return s, nil
}

// logIn gives n authorizations of the user.
func (s *scene) logIn(ctx context.Context, n int) (all []*chain, err error) {
	c := s.conn(ctx)
	defer c.close()
	login := s.login()
	for range n {
		body, err := c.ask(login, `"access_token"`)
		if err != nil {
			return nil, fmt.Errorf("log in as %s with the client %s: %w", s.user, s.app, err)
		}
		token, err := tokenIn(body, "refresh_token")
		if err != nil {
			return nil, fmt.Errorf("the client %s may not refresh: %w", s.app, err)
		}
		all = append(all, &chain{s.app, slices.Clone(token)})
	}
	return all, nil
}
