package scopes

import (
	"context"
	"sync"
)

// flights lets callers who ask about the same token at the same time share one question.
type flights struct {
	mu    sync.Mutex
	calls map[string]*flight
}

type flight struct {
	done   chan struct{}
	answer introspected
	err    error
}

// do gives what ask answers about token, or the end of ctx, which is that of this caller alone.
func (f *flights) do(ctx context.Context, token string, ask func() (introspected, error)) (introspected, error) {
	f.mu.Lock()
	call, ok := f.calls[token]
	if !ok {
		call = &flight{done: make(chan struct{})}
		if f.calls == nil {
			f.calls = map[string]*flight{}
		}
		f.calls[token] = call
		go f.fly(token, call, ask)
	}
	f.mu.Unlock()
	select {
	case <-call.done:
		return call.answer, call.err
	case <-ctx.Done():
		return introspected{}, context.Cause(ctx)
	}
}

func (f *flights) fly(token string, call *flight, ask func() (introspected, error)) {
	call.answer, call.err = ask()
	f.mu.Lock()
	delete(f.calls, token)
	f.mu.Unlock()
	close(call.done)
}
