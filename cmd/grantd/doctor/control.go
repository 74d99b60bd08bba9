package doctor

import (
	"context"
	"errors"
	"fmt"
)

// once asks at most once, and keeps the answer.
func once[T any](f func(ctx context.Context) (T, error)) func(ctx context.Context) (T, error) {
	var v T
	var err error
	done := false
	return func(ctx context.Context) (T, error) {
		if !done {
			v, err = f(ctx)
			done = true
		}
		return v, err
	}
}

// tryGood has the test user authorize the client, with a state of all kinds of characters if the server takes one.
func (e *exam) tryGood(ctx context.Context) (flow, error) {
	f, err := e.newCode(ctx, "state", random()+oddState)
	if err == nil || e.stopped != nil || f.landing == (landing{}) {
		return f, err
	}
	return e.newCode(ctx)
}

// oddState is what an app may use: RFC 6749 A.5 has all printable ASCII.
const oddState = `doctor +&=%2F"<\>#?~`

// Controls. A refusal shows nothing where the same request is refused in its good form.

// goodRequest is nil if a good authorization request is taken: it brings a code, or a page to sign in where there is nobody.
func (e *exam) goodRequest(ctx context.Context) error {
	if err := e.needs("authorization_endpoint", true, true, false); err != nil {
		return err
	}
	if e.User != "" && e.stopped == nil {
		_, err := e.good(ctx)
		return err
	}
	l, err := e.visit(ctx, e.request())
	switch {
	case err != nil:
		return err
	case l.to == nil && l.page.status >= 400 || l.answers().Has("error"):
		return fmt.Errorf("a good request is refused, too (%s); is --redirect-uri registered for --client?", l.says())
	}
	return nil
}

// goodCode is nil if a good code brings tokens.
func (e *exam) goodCode(ctx context.Context) error {
	t, err := e.some(ctx)
	if err == nil && t.flow.code == "" {
		return errNoUser
	}
	return err
}

// goodRefresh is nil if a good refresh token brings tokens.
func (e *exam) goodRefresh(ctx context.Context) error {
	x, err := e.refreshed(ctx)
	if err == nil && !x.last.gives() {
		return errors.New("a good refresh is answered " + x.last.says() + ", too")
	}
	return err
}

// controlled is refused, for what is sent by a client that is let in.
func (e *exam) controlled(ctx context.Context, good func(ctx context.Context) error, r *reply, err error, what string) verdict {
	if err := good(ctx); err != nil {
		return because(err)
	}
	v := refused(r, err, what)
	if v.outcome != OK {
		return v
	}
	if code := r.str("error"); code == "invalid_client" || code == "unauthorized_client" {
		return unknown("%s is answered %s, which is about the client", what, r.says())
	}
	return v
}

// exchange is an authorization with what the server answered last about it.
type exchange struct {
	*tokens
	newest string // refresh token
	last   *reply
}

// tryRefresh refreshes once.
func (e *exam) tryRefresh(ctx context.Context) (*exchange, error) {
	t, err := e.refreshable(ctx)
	if err != nil {
		return nil, err
	}
	r, err := e.useRefresh(ctx, e.Client, t.refresh())
	if err != nil {
		return nil, err
	}
	return &exchange{t, r.str("refresh_token"), r}, nil
}

// tryReplay sends a code twice.
func (e *exam) tryReplay(ctx context.Context) (*exchange, error) {
	t, err := e.authorized(ctx)
	if err != nil {
		return nil, err
	}
	r, err := e.redeem(ctx, e.Client, t.flow)
	if err != nil {
		return nil, err
	}
	return &exchange{t, t.refresh(), r}, nil
}

// tryReuse sends a refresh token from two refreshes ago: some servers forgive one that was used just now, as its answer
// may have been lost.
func (e *exam) tryReuse(ctx context.Context) (*exchange, error) {
	t, err := e.refreshable(ctx)
	if err != nil {
		return nil, err
	}
	newest := t.refresh()
	for range 2 {
		r, err := e.useRefresh(ctx, e.Client, newest)
		if err != nil {
			return nil, err
		}
		next := r.str("refresh_token")
		if !r.gives() || next == "" || next == newest {
			return nil, errors.New("a refresh gives no new refresh token, so that none is old: " + r.says())
		}
		newest = next
	}
	r, err := e.useRefresh(ctx, e.Client, t.refresh())
	if err != nil {
		return nil, err
	}
	return &exchange{t, newest, r}, nil
}
