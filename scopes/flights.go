package scopes

import (
	"context"
	"errors"
	"sync"
	"time"
)

// maxFlights bounds the questions that are put or wait for their turn, and with them goroutines and memory.
const maxFlights = 1024

var (
	errManyWait   = errors.New("too many tokens wait for the issuer's answer")
	errUnanswered = errors.New("the question about the token ended without an answer")
)

// flights lets callers who ask about the same token at the same time share one question, for as long as any of them
// waits for the answer.
type flights struct {
	now func() time.Time
	// share is for how long after its beginning a question can be joined: its answer may be as old as that. Zero or
	// less: each caller has his own.
	share time.Duration

	mu       sync.Mutex
	calls    map[string]*flight // the newest about each token
	underWay int
}

type flight struct {
	token string
	begun time.Time
	stop  context.CancelFunc
	// callers is how many wait. It is guarded by the mutex of flights.
	callers int

	done   chan struct{} // closed when answer and err stand
	answer introspected
	err    error
}

// do gives what ask answers about token, or the end of ctx, which is that of this caller alone. The context of ask ends
// when the last caller has gone.
func (f *flights) do(ctx context.Context, token string, ask func(context.Context) (introspected, error)) (introspected, error) {
	if ctx.Err() != nil { // Before any work: he has gone.
		return introspected{}, context.Cause(ctx)
	}
	call, err := f.board(ctx, token, ask)
	if err != nil {
		return introspected{}, err
	}
	select {
	case <-call.done:
		return call.answer, call.err
	case <-ctx.Done():
		f.leave(call)
		return introspected{}, context.Cause(ctx)
	}
}

// board takes the flight about token that is under way, else a new one.
func (f *flights) board(ctx context.Context, token string, ask func(context.Context) (introspected, error)) (*flight, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if call, ok := f.calls[token]; ok && !now.Before(call.begun) && now.Sub(call.begun) < f.share {
		call.callers++
		return call, nil
	}
	if f.underWay == maxFlights {
		return nil, errManyWait
	}
	// Who leaves does not stop it for the others.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	call := &flight{token: token, begun: now, stop: stop, callers: 1, done: make(chan struct{}), err: errUnanswered}
	if f.calls == nil {
		f.calls = map[string]*flight{}
	}
	f.calls[token] = call
	f.underWay++
	go f.fly(ctx, call, ask)
	return call, nil
}

func (f *flights) fly(ctx context.Context, call *flight, ask func(context.Context) (introspected, error)) {
	defer f.land(call)
	call.answer, call.err = ask(ctx)
}

// land is deferred: whatever ends a flight, nobody waits for it forever.
func (f *flights) land(call *flight) {
	call.stop()
	f.mu.Lock()
	f.underWay--
	f.forget(call)
	f.mu.Unlock()
	close(call.done)
}

func (f *flights) leave(call *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if call.callers--; call.callers == 0 {
		call.stop()
		f.forget(call) // who comes now needs one that goes on
	}
}

func (f *flights) forget(call *flight) {
	if f.calls[call.token] == call {
		delete(f.calls, call.token)
	}
}
