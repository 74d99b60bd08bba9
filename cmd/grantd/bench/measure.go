package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// bench is one server under load, and the limits beside it.
type bench struct {
	*Options
	report *Report
	scene  *scene
	server *process // nil: it runs elsewhere
	limits *process
	bounds target // the same
	cores  int    // that the server has
	remote bool   // its database is not ours to ask
}

// measureOn measures works on a server that is started on these processors.
func (r *Report) measureOn(ctx context.Context, st *stage, on []int, works []work) (err error) {
	if len(works) == 0 {
		return nil
	}
	b := &bench{Options: st.Options, report: r, cores: len(on)}
	if len(on) == 0 {
		b.cores = runtime.NumCPU()
	}
	if b.server, err = launchServer(ctx, st.Folder, on, st.settings(st.Database)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.server.stop()) }()
	if b.limits, err = launch(ctx, st.Folder, on, st.settings(st.Database), "bench", "limits"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.limits.stop()) }()
	b.scene, b.bounds = st.scene(b.server), st.at(b.limits)
	// Those who share processors with the server would keep it from them, and very many keep each other from looking.
	b.scene.awake = len(on) > 0 && st.Connections <= mostAwake
	b.bounds.awake = b.scene.awake
	return b.measure(ctx, works)
}

// measure runs each of the works as often as is asked for, in turn: what disturbs the machine for a while disturbs all.
func (b *bench) measure(ctx context.Context, works []work) error {
	for run := range b.Runs {
		var a arithmetic
		if err := b.ask(ctx, "/arithmetic", &a); err != nil {
			return err
		}
		for _, w := range works {
			if err := b.once(ctx, w, a, run); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
	}
	return nil
}

// once measures a work and its limit.
func (b *bench) once(ctx context.Context, w work, a arithmetic, run int) error {
	if b.server != nil {
		alive, done := b.server.alive(ctx)
		defer done()
		ctx = alive
	}
	b.scene.release()
	ready := make([]func(int) exchange, len(w.parts))
	shapes := make([]shape, len(w.parts))
	for i, p := range w.parts {
		var err error
		if ready[i], err = p.ready(ctx, b.scene, b.Options); err != nil {
			return because(ctx, err)
		}
		if shapes[i], err = b.shapeOf(ctx, ready[i]); err != nil {
			return because(ctx, err)
		}
	}
	m, parts, err := b.loaded(ctx, w, ready, run)
	if err != nil {
		return because(ctx, err)
	}
	if err := b.limit(ctx, w, a, shapes, &m); err != nil {
		return because(ctx, err)
	}
	say(b.Options, "%s %d/%d: %s", w.name, run+1, b.Runs, m)
	b.report.add(w, m, parts)
	return nil
}

// because is why something failed: what ended ctx, if it has ended.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// loaded is the load itself, and what its parts had of it, in order.
func (b *bench) loaded(ctx context.Context, w work, ready []func(int) exchange, run int) (m Measured, parts []Measured, err error) {
	beside := w.has(func(op operation) bool { return op.beside })
	var alone Measured
	if beside || b.Guesses > 0 { // in the same run, so that the machine is the same
		if alone, _, err = b.load(ctx, w, ready, run, false); err != nil {
			return m, nil, err
		}
	}
	switch {
	case b.Guesses > 0:
		stop, err := b.scene.guess(ctx, b.Guesses, min(usersMany, max(b.Authorizations, 1)))
		if err != nil {
			return m, nil, err
		}
		defer func() { m.addGuesses(stop()) }()
	case beside:
		stop, err := b.scene.beside(ctx)
		if err != nil {
			return m, nil, err
		}
		defer func() { m.addLogins(stop()) }()
	}
	m, parts, err = b.load(ctx, w, ready, run, b.Profiles != "" && run == 0)
	if (beside || b.Guesses > 0) && err == nil {
		m.Alone = &Alone{Rate: alone.Rate, P99: alone.P99, RateRatio: m.Rate / alone.Rate, P99Ratio: m.P99 / alone.P99}
	}
	return m, parts, err
}

func (b *bench) load(ctx context.Context, w work, ready []func(int) exchange, run int, profiled bool) (m Measured, parts []Measured, err error) {
	l := &load{connections: b.Connections, rate: b.Rate, warmUp: warmUp(b.For), time: b.For, count: b.Count}
	var before usage
	profile := func() error { return nil }
	l.began = func() {
		before = usageOf(b.scene.pid)
		if profiled {
			profile = b.profile(ctx, w.name)
		}
	}
	done := b.watch(ctx, fmt.Sprintf("%s %d/%d", w.name, run+1, b.Runs), l)
	o := l.run(ctx, b.scene.target, len(w.parts), func(connection int) caller {
		c := caller{pick: w.picker(connection)}
		for _, begin := range ready {
			c.exchanges = append(c.exchanges, begin(connection))
		}
		return c
	})
	after := usageOf(b.scene.pid)
	done()
	if err := errors.Join(context.Cause(ctx), profile()); err != nil {
		return m, nil, err
	}
	total := o.total()
	if total.n == 0 {
		return m, nil, fmt.Errorf("no request was answered well: %w", total.reason())
	}
	if w.has(func(op operation) bool { return op.refreshes }) {
		b.refreshed(w, o, after)
	}
	if len(w.parts) > 1 {
		for i := range o.results {
			parts = append(parts, measured(o, &o.results[i], usage{}, usage{}))
		}
	}
	m = measured(o, total, before, after)
	m.Unsent = o.unsent
	return m, parts, nil
}

// warmUp is how long a load that takes that long is sent before it counts: statements are prepared, caches filled.
func warmUp(load time.Duration) time.Duration {
	const longest = 500 * time.Millisecond
	if load <= 0 {
		return longest
	}
	return min(load/5, longest)
}

// refreshed notes what memory the server has after refreshes.
func (b *bench) refreshed(w work, o *outcome, after usage) {
	r := &b.report.AfterRefreshes
	for i, p := range w.parts {
		if p.refreshes {
			r.Refreshes += int64(o.results[i].n)
		}
	}
	r.Authorizations += max(b.Chains, b.Connections)
	if b.remote {
		r.Authorizations = b.Connections
	}
	r.Memory, r.Peak = mega(after.memory), mega(after.peak)
}

// mostAwake is how many connections are not slowed down by looking for their answers in turn.
const mostAwake = 64
