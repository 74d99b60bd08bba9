package doctor

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

func refreshRotates(ctx context.Context, e *exam) verdict {
	if e.Client.Secret != "" {
		return unknown("the client has a secret, which binds its refresh tokens; name a public one")
	}
	t, err := e.refreshable(ctx)
	if err != nil {
		return because(err)
	}
	r, err := e.useRefresh(ctx, e.Client, t.refresh())
	switch {
	case err != nil:
		return because(err)
	case !r.gives():
		return unknown("a refresh is answered %s", r.says())
	case r.str("refresh_token") == "" || r.str("refresh_token") == t.refresh():
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

// used is what came of sending a refresh token that was used twice ago: some servers forgive one that was used just now,
// as its answer may have been lost.
func (e *exam) used(ctx context.Context) (again, newest *reply, err error) {
	t, err := e.refreshable(ctx)
	if err != nil {
		return nil, nil, err
	}
	newest = t.reply
	for range 2 {
		r, err := e.useRefresh(ctx, e.Client, newest.str("refresh_token"))
		if err != nil {
			return nil, nil, err
		}
		if !r.gives() || r.str("refresh_token") == "" || r.str("refresh_token") == newest.str("refresh_token") {
			return nil, nil, errNotRotated{r.says()}
		}
		newest = r
	}
	again, err = e.useRefresh(ctx, e.Client, t.refresh())
	return again, newest, err
}

type errNotRotated struct{ says string }

func (err errNotRotated) Error() string {
	return "a refresh gives no new refresh token, so none is old: " + err.says
}

func refreshReuse(ctx context.Context, e *exam) verdict {
	again, _, err := e.used(ctx)
	return e.controlled(ctx, e.goodRefresh, again, err, "a refresh token from two refreshes ago")
}

func refreshEnds(ctx context.Context, e *exam) verdict {
	again, newest, err := e.used(ctx)
	switch {
	case err != nil:
		return because(err)
	case again.gives():
		return fails("its use is not even noticed")
	}
	r, err := e.useRefresh(ctx, e.Client, newest.str("refresh_token"))
	return e.controlled(ctx, e.goodRefresh, r, err, "the newest refresh token after that")
}

func revokeUnknown(ctx context.Context, e *exam) verdict {
	if err := e.needs("revocation_endpoint", true, false, false); err != nil {
		return because(err)
	}
	r, err := e.revoke(ctx, random())
	switch {
	case err != nil:
		return because(err)
	case r.status != http.StatusOK:
		return fails("%s", r.says())
	}
	return ok("%s", statusText(r.status))
}

func revokeWorks(ctx context.Context, e *exam) verdict {
	if err := e.needs("revocation_endpoint", true, true, true); err != nil {
		return because(err)
	}
	t, err := e.refreshable(ctx)
	if err != nil {
		return because(err)
	}
	if r, err := e.revoke(ctx, t.refresh()); err != nil {
		return because(err)
	} else if r.status != http.StatusOK {
		return fails("revocation of a good token is answered %s", r.says())
	}
	r, err := e.useRefresh(ctx, e.Client, t.refresh())
	return e.controlled(ctx, e.goodRefresh, r, err, "the refresh token after its revocation")
}

func introspectRefuses(ctx context.Context, e *exam) verdict {
	if err := e.needs("introspection_endpoint", false, false, false); err != nil {
		return because(err)
	}
	token := random()
	if t, err := e.some(ctx); err == nil {
		token = t.access()
	}
	r, err := e.post(ctx, e.metadata.str("introspection_endpoint"), map[string][]string{"token": {token}})
	switch {
	case err != nil:
		return because(err)
	case r.status < 400:
		return fails("without a client it is answered %s", r.says())
	case r.status >= 500:
		return unknown("without a client it is answered %s", r.says())
	}
	return ok("without a client it is answered %s", r.says())
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func userinfoRefuses(ctx context.Context, e *exam) verdict {
	if err := e.needs("userinfo_endpoint", false, false, false); err != nil {
		return because(err)
	}
	r, err := e.get(ctx, e.metadata.str("userinfo_endpoint"))
	if err != nil {
		return because(err)
	}
	challenge := r.header.Get("WWW-Authenticate")
	if r.status != http.StatusUnauthorized || !strings.HasPrefix(strings.ToLower(challenge), "bearer") && !strings.HasPrefix(strings.ToLower(challenge), "dpop") {
		return fails("%s, WWW-Authenticate %q", statusText(r.status), clip(challenge, 60))
	}
	return ok("%s, WWW-Authenticate: %s", statusText(r.status), clip(challenge, 60))
}

// bearerQuery puts a token into a URL, which then may be in the server's log. It is revoked at the end.
func bearerQuery(ctx context.Context, e *exam) verdict {
	if err := e.needs("userinfo_endpoint", true, true, true); err != nil {
		return because(err)
	}
	scope := strings.Fields(e.Scope)
	if !slices.Contains(scope, "openid") {
		scope = append([]string{"openid"}, scope...)
	}
	t, err := e.authorized(ctx, "scope", strings.Join(scope, " "))
	if err != nil {
		return because(err)
	}
	target := e.metadata.str("userinfo_endpoint")
	if r, err := e.get(ctx, target, bearer(t.access())); err != nil {
		return because(err)
	} else if r.status != http.StatusOK {
		return unknown("userinfo answers %s, also to a token in the header", statusText(r.status))
	}
	r, err := e.get(ctx, withQuery(target, map[string][]string{"access_token": {t.access()}}))
	switch {
	case err != nil:
		return because(err)
	case r.status < 400:
		return fails("userinfo takes it: %s", statusText(r.status))
	}
	return ok("userinfo takes it in the header only: %s", statusText(r.status))
}
