package doctor

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// token asks the token endpoint as a client, in a way that the metadata list.
func (e *exam) token(ctx context.Context, c Client, form url.Values, edits ...func(*http.Request)) (*reply, error) {
	return e.tokenBy(ctx, e.method(c), c, form, edits...)
}

// method is how a client authenticates.
func (e *exam) method(c Client) string {
	listed := e.metadata.authMethods()
	switch {
	case c.Secret == "":
		return "none"
	case !slices.Contains(listed, "client_secret_basic") && slices.Contains(listed, "client_secret_post"):
		return "client_secret_post"
	}
	return "client_secret_basic"
}

// tokenBy asks the token endpoint as a client that authenticates that way.
func (e *exam) tokenBy(ctx context.Context, method string, c Client, form url.Values, edits ...func(*http.Request)) (*reply, error) {
	return e.askAs(ctx, "token_endpoint", method, c, form, edits...)
}

// askAs posts a form to an endpoint as a client. All tokens in the answer are kept out of evidence.
func (e *exam) askAs(ctx context.Context, endpoint, method string, c Client, form url.Values, edits ...func(*http.Request)) (*reply, error) {
	if form == nil {
		form = url.Values{}
	}
	switch method {
	case "client_secret_basic": // RFC 6749 §2.3.1: both are form-url-encoded first
		edits = append(edits, func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret)) })
	case "client_secret_post":
		form.Set("client_secret", c.Secret)
		form.Set("client_id", c.ID)
	default:
		form.Set("client_id", c.ID)
	}
	r, err := e.post(ctx, e.metadata.str(endpoint), form, edits...)
	if err != nil {
		return nil, err
	}
	e.keep(r)
	return r, nil
}

// keep hides the tokens of an answer, and remembers what is to be revoked.
func (e *exam) keep(r *reply) {
	for _, name := range []string{"access_token", "refresh_token", "id_token"} {
		if token := r.str(name); token != "" {
			e.hide(token)
		}
	}
	if r.str("access_token") == "" {
		return
	}
	token := r.str("refresh_token")
	if token == "" {
		token = r.str("access_token")
	}
	e.given = append(e.given, token)
}

// gives is whether the answer of a token endpoint has a token.
func (r *reply) gives() bool { return r.str("access_token") != "" }

// refused judges the answer to what must be refused.
func refused(r *reply, err error, what string) verdict {
	switch {
	case err != nil:
		return because(err)
	case r.gives():
		return fails("%s gives tokens", what)
	case r.status >= 500 || r.status < 400:
		return unknown("%s is answered %s: no token, and no refusal", what, r.says())
	}
	return ok("%s is answered %s", what, r.says())
}

// tokens is what came of one authorization.
type tokens struct {
	reply *reply
	flow  flow
	at    time.Time // when they were given
}

func (t *tokens) access() string  { return t.reply.str("access_token") }
func (t *tokens) refresh() string { return t.reply.str("refresh_token") }

// authorized is a new authorization, with more parameters in its request.
func (e *exam) authorized(ctx context.Context, pairs ...string) (*tokens, error) {
	f, err := e.newCode(ctx, pairs...)
	if err != nil {
		return nil, err
	}
	r, err := e.redeem(ctx, e.Client, f)
	if err != nil {
		return nil, err
	}
	if !r.gives() {
		return nil, errors.New("the code is answered " + r.says() + ", and no token")
	}
	return &tokens{r, f, time.Now()}, nil
}

// refreshable is a new authorization with a refresh token.
func (e *exam) refreshable(ctx context.Context, pairs ...string) (*tokens, error) {
	t, err := e.authorized(ctx, pairs...)
	if err == nil && t.refresh() == "" {
		return nil, errors.New("no refresh token is given; ask with --scope for the scope that brings one")
	}
	return t, err
}

// trySome authorizes the client. One that nobody signs in for gets a token itself, if it may.
func (e *exam) trySome(ctx context.Context) (*tokens, error) {
	t, refused := e.authorized(ctx)
	if refused == nil || e.User != "" || e.Client.Secret == "" || e.metadata == nil {
		return t, refused
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if e.Scope != "" {
		form.Set("scope", e.Scope)
	}
	r, err := e.token(ctx, e.Client, form)
	if err != nil || !r.gives() {
		return nil, refused
	}
	return &tokens{reply: r, at: time.Now()}, nil
}

// useRefresh sends a refresh token, with more parameters.
func (e *exam) useRefresh(ctx context.Context, c Client, token string, pairs ...string) (*reply, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return e.token(ctx, c, form)
}

// revoke ends a token of the client (RFC 7009).
func (e *exam) revoke(ctx context.Context, token string) (*reply, error) {
	if err := e.needs("revocation_endpoint", true, false, false); err != nil {
		return nil, err
	}
	return e.revokeAs(ctx, e.Client, token)
}

func (e *exam) revokeAs(ctx context.Context, c Client, token string) (*reply, error) {
	return e.askAs(ctx, "revocation_endpoint", e.method(c), c, url.Values{"token": {token}})
}
