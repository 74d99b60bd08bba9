package doctor

import (
	"context"
	"net/http"
	"strings"
)

// pkceRequired asks for a code without a challenge.
func pkceRequired(ctx context.Context, e *exam) verdict {
	if err := e.needs("authorization_endpoint", true, true, true); err != nil {
		return because(err)
	}
	if err := e.goodRequest(ctx); err != nil {
		return because(err)
	}
	l, err := e.visit(ctx, e.request("code_challenge", "", "code_challenge_method", ""))
	switch {
	case err != nil:
		return because(err)
	case l.answers().Has("code") && e.Client.Secret != "":
		return unknown("%s; the client has a secret, and of such it is only recommended", l.says())
	case l.answers().Has("code"):
		return fails("no code_challenge: %s", l.says())
	}
	return ok("no code_challenge: %s", l.says())
}

func pkcePlain(ctx context.Context, e *exam) verdict {
	if err := e.needs("authorization_endpoint", true, true, true); err != nil {
		return because(err)
	}
	if err := e.goodRequest(ctx); err != nil {
		return because(err)
	}
	for _, method := range []string{"plain", ""} { // RFC 7636 §4.3: no method means plain
		l, err := e.visit(ctx, e.request("code_challenge", random(), "code_challenge_method", method))
		switch {
		case err != nil:
			return because(err)
		case l.answers().Has("code"):
			return fails("code_challenge_method %q: %s", method, l.says())
		}
	}
	return ok("neither plain nor no method, which means it, brings a code")
}

func pkceVerifier(ctx context.Context, e *exam) verdict {
	f, err := e.newCode(ctx)
	if err != nil {
		return because(err)
	}
	r, err := e.redeem(ctx, e.Client, f, "code_verifier", "")
	return e.controlled(ctx, e.goodCode, r, err, "no code_verifier")
}

func pkceWrong(ctx context.Context, e *exam) verdict {
	f, err := e.newCode(ctx)
	if err != nil {
		return because(err)
	}
	r, err := e.redeem(ctx, e.Client, f, "code_verifier", random())
	return e.controlled(ctx, e.goodCode, r, err, "another code_verifier")
}

func pkceDowngrade(ctx context.Context, e *exam) verdict {
	if err := e.goodRequest(ctx); err != nil {
		return because(err)
	}
	f, err := e.newCode(ctx, "code_challenge", "", "code_challenge_method", "")
	if err != nil {
		if f.landing.to == nil && f.landing.page == nil {
			return because(err)
		}
		return ok("there is no code without a challenge: %s", f.landing.says())
	}
	r, err := e.redeem(ctx, e.Client, f)
	return e.controlled(ctx, e.goodCode, r, err, "a code_verifier for a code without a challenge")
}

// minSecret is how many characters 128 bits take in base64 (RFC 6749 §10.10 asks for a chance below 2^-128).
const minSecret = 22

// codeGuess looks at the length alone: whether it is random, nobody sees from outside. Of a JWT the signature counts.
func codeGuess(ctx context.Context, e *exam) verdict {
	f, err := e.good(ctx)
	if err != nil {
		return because(err)
	}
	if len(f.code) < minSecret {
		return fails("a code has %d characters", len(f.code))
	}
	t, err := e.some(ctx)
	if err != nil {
		return ok("a code has %d characters", len(f.code))
	}
	for what, token := range map[string]string{"a refresh token": t.refresh(), "an access token": t.access()} {
		if last := token[strings.LastIndex(token, ".")+1:]; token != "" && len(last) < minSecret {
			return fails("%s has %d characters that could be random", what, len(last))
		}
	}
	return ok("a code has %d characters", len(f.code))
}

func codeOnce(ctx context.Context, e *exam) verdict {
	x, err := e.replayed(ctx)
	if err != nil {
		return because(err)
	}
	return e.controlled(ctx, e.goodCode, x.last, nil, "a second use")
}

func codeReuse(ctx context.Context, e *exam) verdict {
	x, err := e.replayed(ctx)
	switch {
	case err != nil:
		return because(err)
	case x.last.gives():
		return fails("a second use gives tokens")
	case x.newest == "":
		return e.deadAccess(ctx, x.tokens)
	}
	r, err := e.useRefresh(ctx, e.Client, x.newest)
	return e.controlled(ctx, e.goodRefresh, r, err, "the refresh token of the first use")
}

// deadAccess asks userinfo whether a token is good still, if it takes others.
func (e *exam) deadAccess(ctx context.Context, t *tokens) verdict {
	const lacking = "there is no refresh token to look at; ask with --scope for the scope that brings one"
	other, err := e.some(ctx)
	if err != nil || e.metadata.str("userinfo_endpoint") == "" {
		return unknown(lacking)
	}
	before, err := e.get(ctx, e.metadata.str("userinfo_endpoint"), bearer(other.access()))
	if err != nil || before.status != http.StatusOK {
		return unknown(lacking)
	}
	r, err := e.get(ctx, e.metadata.str("userinfo_endpoint"), bearer(t.access()))
	switch {
	case err != nil:
		return because(err)
	case r.status < 400:
		return fails("the access token of the first use is good at userinfo")
	case r.status >= 500:
		return unknown("userinfo answers %s", statusText(r.status))
	}
	return ok("userinfo answers the access token of the first use %s", statusText(r.status))
}

func codeRedirect(ctx context.Context, e *exam) verdict {
	f, err := e.newCode(ctx)
	if err != nil {
		return because(err)
	}
	r, err := e.redeem(ctx, e.Client, f, "redirect_uri", someOrigin+"/callback")
	return e.controlled(ctx, e.goodCode, r, err, "another redirect_uri")
}

func codeClient(ctx context.Context, e *exam) verdict {
	if e.Other.ID == "" {
		return because(errNoOther)
	}
	f, err := e.newCode(ctx)
	if err != nil {
		return because(err)
	}
	r, err := e.redeem(ctx, e.Other, f)
	return e.controlled(ctx, e.goodCode, r, err, "another client")
}
