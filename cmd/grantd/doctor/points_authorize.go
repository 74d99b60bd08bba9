package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// authorizeError asks for a response type that nobody has.
func authorizeError(ctx context.Context, e *exam) verdict {
	if err := e.needs("authorization_endpoint", true, true, false); err != nil {
		return because(err)
	}
	if err := e.goodRequest(ctx); err != nil {
		return because(err)
	}
	q := e.request("response_type", "doctor")
	l, err := e.visit(ctx, q)
	f := flow{request: q, landing: l}
	switch {
	case err != nil:
		return because(err)
	case l.to == nil && l.page.status < 400 && (e.User == "" || e.stopped != nil):
		return unknown("%s, and perhaps more behind it; name a test user with --user", l.says())
	case !f.atClient():
		return fails("a wrong response_type: %s", l.says())
	case l.answers().Get("error") == "":
		return fails("a wrong response_type: %s", l.says())
	case l.answers().Get("state") != q.Get("state"):
		return fails("the state is not given back: %s", l.says())
	}
	return ok("a wrong response_type: %s", l.says())
}

func authorizeTwice(ctx context.Context, e *exam) verdict {
	if err := e.needs("authorization_endpoint", true, true, false); err != nil {
		return because(err)
	}
	if err := e.goodRequest(ctx); err != nil {
		return because(err)
	}
	q := e.request()
	q.Add("code_challenge_method", "S256")
	l, err := e.visit(ctx, q)
	switch {
	case err != nil:
		return because(err)
	case l.to == nil:
		return e.ends(ctx, l, "code_challenge_method twice")
	case l.answers().Get("error") == "":
		return fails("code_challenge_method twice: %s", l.says())
	}
	return ok("code_challenge_method twice: %s", l.says())
}

func implicit(ctx context.Context, e *exam) verdict {
	if e.metadata == nil {
		return because(e.metaErr)
	}
	listed, _ := e.metadata.list("response_types_supported")
	for _, kind := range listed {
		if kind == "token" || kind == "code token" || kind == "id_token token" || kind == "code id_token token" {
			return fails("response_types_supported lists %q", kind)
		}
	}
	if err := e.needs("authorization_endpoint", true, true, false); err != nil {
		return because(err)
	}
	l, err := e.visit(ctx, e.request("response_type", "token", "code_challenge", "", "code_challenge_method", ""))
	switch {
	case err != nil:
		return because(err)
	case l.answers().Has("access_token"):
		return fails("response_type=token, which is not listed: %s", l.says())
	case l.to == nil:
		return e.ends(ctx, l, "response_type=token")
	}
	return ok("response_type=token: %s", l.says())
}

func stateReturned(ctx context.Context, e *exam) verdict {
	f, err := e.good(ctx)
	if err != nil {
		return because(err)
	}
	sent := f.request.Get("state")
	if !strings.HasSuffix(sent, oddState) {
		return fails("no code is given where it has characters such as %s", oddState)
	}
	if got := f.landing.answers()["state"]; !slices.Equal(got, []string{sent}) {
		return fails("of %d characters, not all come back, or not as they were", len(sent))
	}
	return ok("%d characters, of all kinds", len(sent))
}

func issSent(ctx context.Context, e *exam) verdict {
	f, err := e.good(ctx)
	if err != nil {
		return because(err)
	}
	if f.landing.answers().Get("iss") == "" {
		return fails("no iss: a client of several servers can be made to mix them up")
	}
	return ok("iss=%s", clip(f.landing.answers().Get("iss"), 120))
}

func issTrue(ctx context.Context, e *exam) verdict {
	f, err := e.good(ctx)
	if err != nil {
		return because(err)
	}
	declared, _ := e.metadata.object["authorization_response_iss_parameter_supported"].(bool)
	iss := f.landing.answers()["iss"]
	switch {
	case len(iss) > 1:
		return fails("iss comes %d times", len(iss))
	case len(iss) == 1 && iss[0] != e.Issuer:
		return fails("iss is %q", clip(iss[0], 120))
	case declared && len(iss) == 0:
		return fails("authorization_response_iss_parameter_supported is true, and there is none")
	case !declared && len(iss) == 1:
		return fails("iss comes, and authorization_response_iss_parameter_supported is not true: clients do not expect it")
	case len(iss) == 0:
		return ok("neither declared nor sent")
	}
	return ok("declared, and iss=%s", clip(iss[0], 120))
}

func redirect307(ctx context.Context, e *exam) verdict {
	if _, err := e.good(ctx); err != nil {
		return because(err)
	}
	if len(e.posted) == 0 {
		return unknown("no form was answered with a redirect")
	}
	for _, status := range e.posted {
		if status == 307 || status == 308 {
			return fails("a form is answered %s, so that the browser sends it again to the next", statusText(status))
		}
	}
	statuses := slices.Compact(slices.Sorted(slices.Values(e.posted)))
	return ok("forms are answered %s", strings.Trim(fmt.Sprint(statuses), "[]"))
}
