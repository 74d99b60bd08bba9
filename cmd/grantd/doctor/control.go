package doctor

import (
	"context"
	"errors"
	"fmt"
)

// once asks at most once.
func once(f func(ctx context.Context) error) func(ctx context.Context) error {
	var err error
	done := false
	return func(ctx context.Context) error {
		if !done {
			err, done = f(ctx), true
		}
		return err
	}
}

// tryRequest is nil if a good authorization request is taken: it brings a code, or a page to sign in where nobody is there to.
func (e *exam) tryRequest(ctx context.Context) error {
	if err := e.needs("authorization_endpoint", true, true, false); err != nil {
		return err
	}
	if e.User != "" && e.stopped == nil {
		_, err := e.newCode(ctx)
		return err
	}
	q := e.request()
	l, err := e.visit(ctx, q)
	switch {
	case err != nil:
		return err
	case l.to == nil && l.page.status >= 400 || l.answers().Has("error"):
		return fmt.Errorf("a good request is refused, too (%s); is --redirect-uri registered for --client?", l.says())
	}
	return nil
}

// tryCode is nil if a good code brings tokens.
func (e *exam) tryCode(ctx context.Context) error {
	t, err := e.some(ctx)
	if err == nil && t.flow.code == "" {
		err = errNoUser
	}
	return err
}

// tryRefresh is nil if a good refresh token brings tokens.
func (e *exam) tryRefresh(ctx context.Context) error {
	t, err := e.refreshable(ctx)
	if err != nil {
		return err
	}
	r, err := e.useRefresh(ctx, e.Client, t.refresh())
	if err == nil && !r.gives() {
		err = errors.New("a good refresh is answered " + r.says() + ", too")
	}
	return err
}

// controlled is refused, for what is sent by a client that is let in: nothing is shown by a request that fails because of
// its client, or that fails in its good form, too.
func (e *exam) controlled(ctx context.Context, good func(ctx context.Context) error, r *reply, err error, what string) verdict {
	if err := good(ctx); err != nil {
		return because(err)
	}
	v := refused(r, err, what)
	if code := codeOf(r); v.outcome == OK && (code == "invalid_client" || code == "unauthorized_client") {
		return unknown("%s is answered %s, which is about the client", what, r.says())
	}
	return v
}

func codeOf(r *reply) string {
	if r == nil {
		return ""
	}
	return r.str("error")
}
