package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// bench is one server under load, and the limits beside it.
type bench struct {
	*Options
	report *Report
	stage  *stage
	server *process
	limits *process
}

// measure runs operations on a server that has these processors.
func (r *Report) measure(ctx context.Context, o *Options, st *stage, on []int, ops []operation) (err error) {
	if len(ops) == 0 {
		return nil
	}
	b := &bench{Options: o, report: r, stage: st}
	settings := o.Settings
	if o.Profiles != "" {
		settings = append([]string{"GRANTD_PPROF_ENABLED=true"}, settings...)
	}
	if b.server, err = launchServer(ctx, o.Folder, on, st.settings(settings...)...); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.server.stop()) }()
	if b.limits, err = launch(ctx, o.Folder, on, []string{"GRANTD_DATABASE=" + st.database}, "bench", "limits"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.limits.stop()) }()
	for run := range o.Runs {
		var a arithmetic
		if err := b.ask(ctx, "/arithmetic", &a); err != nil {
			return err
		}
		for _, op := range ops {
			m, err := b.once(ctx, op, a, run)
			if err != nil {
				return fmt.Errorf("%s: %w", op.name, err)
			}
			fmt.Fprintf(o.Progress, "%s %d/%d: %s\n", op.name, run+1, o.Runs, m)
			r.add(op, m)
		}
	}
	return nil
}

// once measures an operation and its limit.
func (b *bench) once(ctx context.Context, op operation, a arithmetic, run int) (m Measured, err error) {
	s := b.stage.scene(b.server)
	begin, err := op.begin(ctx, s, b.Options)
	if err != nil {
		return m, err
	}
	l := &load{url: s.url, tls: s.tls, connections: b.Connections, rate: b.Rate, time: b.For, count: b.Count}
	if op.most > 0 && (l.count == 0 || l.count > op.most) {
		l.count = op.most
	}
	stopBeside := func() float64 { return 0 }
	if op.beside {
		stopBeside = s.beside(ctx)
	}
	var profiled sync.WaitGroup
	if b.Profiles != "" && run == 0 {
		profiled.Go(func() { err = b.profile(ctx, op.name) })
	}
	before := usageOf(s.pid)
	res := l.run(ctx, begin)
	after := usageOf(s.pid)
	profiled.Wait()
	if err != nil {
		return m, err
	}
	if ctx.Err() != nil {
		return m, ctx.Err()
	}
	if res.n == 0 {
		return m, fmt.Errorf("no request was answered: %w", res.firstError)
	}
	m = measured(res, before, after)
	m.Passwords = stopBeside()
	return m, b.limit(ctx, op, a, s, begin, &m)
}

// limit measures what an operation cannot do without.
func (b *bench) limit(ctx context.Context, op operation, a arithmetic, s *scene, begin func(int) exchange, m *Measured) error {
	if op.hashes {
		return b.ask(ctx, "/hashes", &m.Limit)
	}
	c := s.conn()
	defer c.close()
	if err := begin(0)(c); err != nil {
		return err
	}
	target := &url.URL{Scheme: "http", Host: b.limits.Listen}
	request := elsewhere(c.last, "/answer/"+strconv.Itoa(len(c.body)))
	l := &load{url: target, connections: b.Connections, time: limitTime}
	res := l.run(ctx, func(int) exchange { return each([][]byte{request}, 0, "") })
	if res.n == 0 {
		return fmt.Errorf("the limit was not measured: %w", res.firstError)
	}
	m.RoundTrip = micros(time.Duration(float64(time.Second) / res.rate()))
	m.Arithmetic = micros(op.arithmetic(a))
	if op.statement {
		var each time.Duration
		if err := b.ask(ctx, "/statement", &each); err != nil {
			return err
		}
		m.Statement = micros(each)
	}
	m.Limit = 1e6 / (m.RoundTrip + m.Arithmetic + m.Statement)
	return nil
}

// limitTime is how long the round trips of a limit are measured.
const limitTime = time.Second

// ask has the process of the limits measure something.
func (b *bench) ask(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.limits.Listen+path, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return fmt.Errorf("the limit cannot be measured: %s", text)
	}
	return json.NewDecoder(res.Body).Decode(v)
}

// profile takes profiles of the server while it is loaded.
func (b *bench) profile(ctx context.Context, name string) error {
	seconds := strconv.Itoa(max(int(b.For.Seconds()), 1))
	var both sync.WaitGroup
	errs := make([]error, 2)
	for i, kind := range []string{"profile", "allocs"} {
		both.Go(func() { errs[i] = b.save(ctx, kind+"?seconds="+seconds, name+"."+kind+".pprof") })
	}
	both.Wait()
	return errors.Join(errs...)
}

func (b *bench) save(ctx context.Context, what, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.server.Ops+"/debug/pprof/"+what, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	f, err := os.Create(filepath.Join(b.Profiles, file))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, res.Body)
	return errors.Join(err, f.Close())
}

// beside keeps the password endpoint busy until what it returns is called, which tells how many logins a second there
// were.
func (s *scene) beside(ctx context.Context) (stop func() float64) {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{url: s.url, tls: s.tls, connections: besides}
	done := make(chan *result, 1)
	go func() { done <- l.run(ctx, s.logins()) }()
	for l.done.Load() == 0 && ctx.Err() == nil { // until it is busy
		time.Sleep(10 * time.Millisecond)
	}
	return func() float64 {
		cancel()
		return (<-done).rate()
	}
}
