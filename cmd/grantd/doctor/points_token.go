package doctor

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// errorCodes: RFC 6749 §5.2, and those that extensions add for any request.
var errorCodes = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"invalid_target", "invalid_dpop_proof", "use_dpop_nonce", "temporarily_unavailable", "server_error",
}

// tryWrong sends what has to be refused. Without a client only it can be what is wrong.
func (e *exam) tryWrong(ctx context.Context) (all []*reply, err error) {
	if err := e.needs("token_endpoint", false, false, false); err != nil {
		return nil, err
	}
	client := e.Client
	if client.ID == "" {
		client = Client{ID: "doctor-" + random()}
	}
	for _, form := range []url.Values{
		{"grant_type": {"refresh_token"}, "refresh_token": {random()}},
		{"grant_type": {"authorization_code"}, "code": {random()}, "redirect_uri": {e.RedirectURI}, "code_verifier": {random()}},
		{"grant_type": {"urn:example:doctor"}},
		{},
	} {
		r, err := e.token(ctx, client, form)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func errorJSON(ctx context.Context, e *exam) verdict {
	all, err := e.wrong(ctx)
	if err != nil {
		return because(err)
	}
	var codes []string
	for _, r := range all {
		code := r.str("error")
		switch {
		case r.object() == nil || !r.isJSON():
			return fails("%s with %q and no JSON", statusText(r.status), r.header.Get("Content-Type"))
		case !slices.Contains(errorCodes, code):
			return fails("%d with the error %q", r.status, clip(code, 40))
		}
		codes = append(codes, code)
	}
	return ok("%s", strings.Join(distinct(codes), ", "))
}

func distinct(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}

func errorStatus(ctx context.Context, e *exam) verdict {
	all, err := e.wrong(ctx)
	if err != nil {
		return because(err)
	}
	var said []string
	for _, r := range all {
		if r.status != http.StatusBadRequest && !(r.status == http.StatusUnauthorized && r.str("error") == "invalid_client") {
			return fails("%s", r.says())
		}
		said = append(said, r.says())
	}
	return ok("%s", strings.Join(distinct(said), ", "))
}

func unknownClient(ctx context.Context, e *exam) verdict {
	if err := e.needs("token_endpoint", false, false, false); err != nil {
		return because(err)
	}
	r, err := e.token(ctx, Client{ID: "doctor-" + random()}, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {random()}})
	if err != nil {
		return because(err)
	}
	// §5.2 lets a server answer 400 or 401.
	if r.str("error") != "invalid_client" || r.status != http.StatusBadRequest && r.status != http.StatusUnauthorized {
		return fails("%s", r.says())
	}
	return ok("%s", r.says())
}

func basicChallenge(ctx context.Context, e *exam) verdict {
	if err := e.needs("token_endpoint", false, false, false); err != nil {
		return because(err)
	}
	stranger := Client{ID: "doctor-" + random(), Secret: random()}
	r, err := e.tokenBy(ctx, "client_secret_basic", stranger, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {random()}})
	if err != nil {
		return because(err)
	}
	challenge := r.header.Get("WWW-Authenticate")
	if r.status != http.StatusUnauthorized || !strings.HasPrefix(strings.ToLower(challenge), "basic") {
		return fails("%s, WWW-Authenticate %q", r.says(), clip(challenge, 60))
	}
	return ok("%s, WWW-Authenticate: %s", r.says(), clip(challenge, 60))
}

// tokenGet asks for what a POST would be refused: that it is not even looked at has to show.
func tokenGet(ctx context.Context, e *exam) verdict {
	if err := e.needs("token_endpoint", true, false, false); err != nil {
		return because(err)
	}
	q := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {random()}, "client_id": {e.Client.ID}}
	r, err := e.get(ctx, withQuery(e.metadata.str("token_endpoint"), q), e.basic())
	return unread(r, err, "GET")
}

func tokenQuery(ctx context.Context, e *exam) verdict {
	if err := e.needs("token_endpoint", true, false, false); err != nil {
		return because(err)
	}
	q := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {random()}, "client_id": {e.Client.ID}}
	r, err := e.post(ctx, withQuery(e.metadata.str("token_endpoint"), q), url.Values{}, e.basic())
	return unread(r, err, "POST with the parameters in the URL")
}

// basic authenticates a client that has a secret. It never goes into a URL.
func (e *exam) basic() func(*http.Request) {
	return func(r *http.Request) {
		if e.Client.Secret != "" {
			r.SetBasicAuth(url.QueryEscape(e.Client.ID), url.QueryEscape(e.Client.Secret))
		}
	}
}

func withQuery(target string, q url.Values) string {
	if strings.Contains(target, "?") {
		return target + "&" + q.Encode()
	}
	return target + "?" + q.Encode()
}

// unread judges the answer to a request whose parameters must not be looked at: they were if it is about the token.
func unread(r *reply, err error, what string) verdict {
	switch {
	case err != nil:
		return because(err)
	case r.gives(), r.str("error") == "invalid_grant":
		return fails("%s is read: %s", what, r.says())
	case r.status < 400 || r.status >= 500:
		return unknown("%s is answered %s: no token, and no refusal", what, r.says())
	}
	return ok("%s is answered %s", what, r.says())
}

func tokenTwice(ctx context.Context, e *exam) verdict {
	if err := e.needs("token_endpoint", true, false, false); err != nil {
		return because(err)
	}
	for _, name := range []string{"grant_type", "refresh_token"} {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {random()}}
		form[name] = append(form[name], form.Get(name))
		r, err := e.token(ctx, e.Client, form)
		switch {
		case err != nil:
			return because(err)
		case r.str("error") != "invalid_request":
			return fails("%s twice is answered %s", name, r.says())
		}
	}
	return ok("grant_type or refresh_token twice is answered invalid_request")
}

func tokenCORS(ctx context.Context, e *exam) verdict {
	if err := e.needs("token_endpoint", false, false, false); err != nil {
		return because(err)
	}
	return e.cors(ctx, e.metadata.str("token_endpoint"), http.MethodPost, func(origin, credentials string) bool {
		return origin != "" && credentials == "true"
	})
}

// cors asks as a script of a foreign site: first what it may do, then to do it.
func (e *exam) cors(ctx context.Context, target, method string, bad func(origin, credentials string) bool) verdict {
	said := "no Access-Control-Allow-Origin for a foreign site"
	for _, m := range []string{http.MethodOptions, method} {
		var form url.Values
		if m == http.MethodPost {
			form = url.Values{}
		}
		r, err := e.ask(ctx, m, target, form, nil, func(r *http.Request) {
			r.Header.Set("Origin", someOrigin)
			if m == http.MethodOptions {
				r.Header.Set("Access-Control-Request-Method", method)
				r.Header.Set("Access-Control-Request-Headers", "authorization")
			}
		})
		if err != nil {
			return because(err)
		}
		origin, credentials := r.header.Get("Access-Control-Allow-Origin"), r.header.Get("Access-Control-Allow-Credentials")
		if bad(origin, credentials) {
			return fails("%s answers Access-Control-Allow-Origin: %s, Allow-Credentials: %q", m, clip(origin, 60), clip(credentials, 10))
		}
		if origin != "" {
			said = "Access-Control-Allow-Origin: " + clip(origin, 60) + ", without credentials"
		}
	}
	return ok("%s", said)
}
