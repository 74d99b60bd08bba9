package doctor

import (
	"context"
	"slices"
	"strings"
)

func refreshRotates(ctx context.Context, e *exam) verdict {
	if e.Client.Secret != "" {
		return unknown("the client has a secret, which binds its refresh tokens; name a public one")
	}
	x, err := e.refreshed(ctx)
	switch {
	case err != nil:
		return because(err)
	case !x.last.gives():
		return unknown("a refresh is answered %s", x.last.says())
	case x.newest == "" || x.newest == x.refresh():
		return fails("it stays the same: a copy of it is as good as the original, for as long as it lives")
	}
	return ok("a refresh gives another one")
}

// refreshScope asks for a scope that the server has and that was not granted, and for one that nobody has.
func refreshScope(ctx context.Context, e *exam) verdict {
	t, err := e.refreshable(ctx)
	if err != nil {
		return because(err)
	}
	had := strings.Fields(t.reply.str("scope"))
	if t.reply.str("scope") == "" { // RFC 6749 §5.1: as it was asked for
		had = strings.Fields(e.Scope)
	}
	more := "doctor:more"
	known, _ := e.metadata.list("scopes_supported")
	for _, one := range known {
		if !slices.Contains(had, one) {
			more = one
		}
	}
	r, err := e.useRefresh(ctx, e.Client, t.refresh(), "scope", strings.Join(append(slices.Clone(had), more), " "))
	if err != nil || !r.gives() {
		return e.controlled(ctx, e.goodRefresh, r, err, "more scope")
	}
	if got := strings.Fields(r.str("scope")); slices.Contains(got, more) || len(got) == 0 {
		return fails("%s was not granted, and a refresh that asks for it gets it", clip(more, 40))
	}
	return ok("%s was not granted, and a refresh does not get it", clip(more, 40))
}

func refreshClient(ctx context.Context, e *exam) verdict {
	if e.Other.ID == "" {
		return because(errNoOther)
	}
	t, err := e.refreshable(ctx)
	if err != nil {
		return because(err)
	}
	r, err := e.useRefresh(ctx, e.Other, t.refresh())
	return e.controlled(ctx, e.goodRefresh, r, err, "another client")
}

func refreshSecret(ctx context.Context, e *exam) verdict {
	if e.Client.ID != "" && e.Client.Secret == "" {
		return because(errPublic)
	}
	t, err := e.refreshable(ctx)
	if err != nil {
		return because(err)
	}
	r, err := e.useRefresh(ctx, Client{e.Client.ID, random()}, t.refresh())
	if err := e.goodRefresh(ctx); err != nil {
		return because(err)
	}
	return refused(r, err, "a wrong secret")
}

// ofPublic is the verdict on what §4.14.2 asks of public clients. The tokens of others are bound by their secret.
func (e *exam) ofPublic(v verdict) verdict {
	if v.outcome == Fails && e.Client.Secret != "" {
		return unknown("%s; the client has a secret, and of such it is not asked", v.evidence)
	}
	return v
}

func refreshReuse(ctx context.Context, e *exam) verdict {
	x, err := e.reused(ctx)
	if err != nil {
		return because(err)
	}
	return e.ofPublic(e.controlled(ctx, e.goodRefresh, x.last, nil, "a refresh token from two refreshes ago"))
}

func refreshEnds(ctx context.Context, e *exam) verdict {
	x, err := e.reused(ctx)
	switch {
	case err != nil:
		return because(err)
	case x.last.gives():
		return e.ofPublic(fails("its use is not even noticed"))
	}
	r, err := e.useRefresh(ctx, e.Client, x.newest)
	return e.ofPublic(e.controlled(ctx, e.goodRefresh, r, err, "the newest refresh token after that"))
}
