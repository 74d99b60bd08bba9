package doctor

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

func revokeUnknown(ctx context.Context, e *exam) verdict {
	if err := e.needs("revocation_endpoint", true, false, false); err != nil {
		return because(err)
	}
	r, err := e.revoke(ctx, random())
	switch {
	case err != nil:
		return because(err)
	case r.str("error") == "invalid_client":
		return unknown("%s, which is about the client", r.says())
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

// revokeClient revokes as the second client, which then has to be without effect.
func revokeClient(ctx context.Context, e *exam) verdict {
	if err := e.needs("revocation_endpoint", true, true, true); err != nil {
		return because(err)
	}
	if e.Other.ID == "" {
		return because(errNoOther)
	}
	if err := e.goodRefresh(ctx); err != nil {
		return because(err)
	}
	t, err := e.refreshable(ctx)
	if err != nil {
		return because(err)
	}
	said, err := e.revokeAs(ctx, e.Other, t.refresh())
	if err != nil {
		return because(err)
	}
	r, err := e.useRefresh(ctx, e.Client, t.refresh())
	switch {
	case err != nil:
		return because(err)
	case !r.gives():
		return fails("another client revoked it: the refresh token is answered %s after that", r.says())
	case said.str("error") == "invalid_client":
		return unknown("the other client is answered %s, which is about the client", said.says())
	}
	return ok("another client is answered %s, and the refresh token is good after that", said.says())
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
