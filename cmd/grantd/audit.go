package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/grantd/grantd/store"
)

// recordTime is how long a command that has changed something tries to say so in the audit log.
const recordTime = 10 * time.Second

// recorded puts what a command did into the audit log: who ran it, and which one it was. The change has been made, so that the end of ctx
// keeps nobody from saying so.
func (a *app) recorded(ctx context.Context, ad admin, events ...store.Event) error {
	if len(events) == 0 {
		return nil
	}
	for i := range events {
		e := &events[i]
		e.At, e.Outcome, e.Actor = ad.now(), "ok", store.Operator+operator()
		if e.Detail == nil {
			e.Detail = store.Detail{}
		}
		e.Detail["command"] = a.command
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if _, err := ad.db.AppendEvents(ctx, nil, events); err != nil {
		return fmt.Errorf("it is done, but the audit log could not be told: %w", err)
	}
	return nil
}

// operator is who runs the command, as the system knows them.
func operator() string {
	uid := strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		return fmt.Sprintf("%s (%s)", u.Username, u.Uid)
	}
	return uid
}
