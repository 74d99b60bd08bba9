package doctor

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
)

// flow is an authorization code and what it takes to redeem it.
type flow struct {
	code, verifier string
	request        url.Values
	landing        landing
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// newCode has the test user authorize the client, with some parameters of the request changed.
func (e *exam) newCode(ctx context.Context, pairs ...string) (flow, error) {
	if err := e.needs("authorization_endpoint", true, true, true); err != nil {
		return flow{}, err
	}
	f := flow{verifier: random()}
	f.request = e.request(append([]string{"code_challenge", challengeOf(f.verifier)}, pairs...)...)
	var err error
	if f.landing, err = e.visit(ctx, f.request); err != nil {
		return f, err
	}
	if f.code = f.landing.answers().Get("code"); f.code == "" || !f.atClient() {
		what := "no code is given: " + f.landing.says()
		if f.landing.to == nil && f.landing.page.status < 400 {
			what += " with no form to go on by; perhaps it needs scripts"
		}
		return f, errors.New(what)
	}
	return f, nil
}

// atClient is whether it ended at the redirect URI of the request.
func (f flow) atClient() bool {
	want, err := url.Parse(f.request.Get("redirect_uri"))
	return err == nil && f.landing.to != nil && addressOf(f.landing.to) == addressOf(want)
}

// redeem sends the code of a flow, with some parameters changed. An empty value leaves one out.
func (e *exam) redeem(ctx context.Context, c Client, f flow, pairs ...string) (*reply, error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {f.code}, "redirect_uri": {f.request.Get("redirect_uri")}, "code_verifier": {f.verifier},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if form.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return e.token(ctx, c, form)
}
