package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// shape is what a request and its answer look like to those who only carry them.
type shape struct {
	request []byte
	answer  int // bytes of the body
}

// shapeOf sends one request.
func (b *bench) shapeOf(ctx context.Context, ready func(int) exchange) (shape, error) {
	c := b.scene.conn(ctx)
	defer c.close()
	err := ready(0)(c)
	return shape{slices.Clone(c.last), len(c.body)}, err
}

// limit measures what a work cannot do without.
func (b *bench) limit(ctx context.Context, w work, a arithmetic, shapes []shape, m *Measured) error {
	cost := 0.0 // µs
	for i, p := range w.parts {
		var each Measured
		if err := b.limitOf(ctx, p.operation, a, shapes[i], &each); err != nil {
			return err
		}
		share := w.share(i)
		m.RoundTrip += share * each.RoundTrip
		m.RoundTripCPU += share * each.RoundTripCPU
		m.Arithmetic += share * each.Arithmetic
		m.Statement += share * each.Statement
		m.Hash += share * each.Hash
		cost += share * (each.RoundTrip + each.Arithmetic + each.Statement + each.Hash)
	}
	m.Limit = 1e6 / cost
	m.Share = m.Rate / m.Limit
	return nil
}

func (b *bench) limitOf(ctx context.Context, op operation, a arithmetic, sh shape, m *Measured) error {
	if op.hashes { // of which everything else is a thousandth
		var rate float64
		err := b.ask(ctx, "/hashes/"+strconv.Itoa(b.HashCost), &rate)
		m.Hash = 1e6 / rate
		return err
	}
	request := elsewhere(sh.request, "/answer/"+strconv.Itoa(max(sh.answer, 2)))
	l := &load{connections: b.Connections, warmUp: warmUp(limitTime(b.For)), time: limitTime(b.For)}
	var before usage
	l.began = func() { before = usageOf(b.limits.cmd.Process.Pid) }
	o := l.run(ctx, b.bounds, 1, func(int) caller { return only(again([][]byte{request}, 0, "")) })
	total := o.total()
	if total.n == 0 {
		return fmt.Errorf("the limit was not measured: %w", total.reason())
	}
	m.RoundTrip = 1e6 / o.perSecond(total)
	if after := usageOf(b.limits.cmd.Process.Pid); before.known && after.known {
		m.RoundTripCPU = micros(after.cpu-before.cpu) / float64(total.n)
	}
	m.Arithmetic = micros(op.arithmetic(a)) / float64(b.cores)
	if !op.statement || b.remote {
		return nil
	}
	var each time.Duration
	err := b.ask(ctx, "/statement", &each)
	m.Statement = micros(each)
	return err
}

// limitTime is how long the round trips of a limit are measured.
func limitTime(load time.Duration) time.Duration {
	if load <= 0 {
		return time.Second
	}
	return min(load, time.Second)
}

// ask has the process of the limits measure something.
func (b *bench) ask(ctx context.Context, path string, v any) error {
	c := b.bounds.conn(ctx)
	defer c.close()
	status, body, err := c.do(b.bounds.get(path, ""))
	switch {
	case err != nil:
		return because(ctx, err)
	case status != 200:
		return fmt.Errorf("the limit cannot be measured: %.300s", body)
	}
	return json.Unmarshal(body, v)
}
