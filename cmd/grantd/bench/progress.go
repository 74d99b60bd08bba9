package bench

import (
	"context"
	"fmt"
	"time"
)

// wipe clears the line of a terminal.
const wipe = "\r\x1b[K"

// mostLog is how large the log of a server under load may become, in bytes.
const mostLog = 64 << 20

// watch shows on a terminal, once a second, how far a load has come, until what it returns is called.
func (b *bench) watch(ctx context.Context, what string, l *load) (done func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.everySecond(ctx, what, l)
	}()
	return func() {
		cancel()
		<-ended
		if b.Live {
			fmt.Fprint(b.Progress, wipe)
		}
	}
}

func (b *bench) everySecond(ctx context.Context, what string, l *load) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	before := int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		answered, failed := l.answered.Load(), l.failed.Load()
		if b.Live {
			fmt.Fprintf(b.Progress, wipe+"%s: %d requests, %d/s, %d errors", what, answered+failed, answered-before, failed)
		}
		before = answered
		if b.server != nil {
			b.server.boundLog()
		}
	}
}
