package server

import (
	"slices"

	"github.com/grantd/grantd/server/authreq"
	"github.com/grantd/grantd/server/reason"
)

// The parameters that go on in a link when an app has posted them. Whatever else a
// form has is nobody's business, and stays out of histories and logs.
var (
	linkToAuthorize = []string{
		"acr_values", "claims", "claims_locales", "client_id", "code_challenge", "code_challenge_method", "display", "id_token_hint",
		"login_hint", "max_age", "nonce", "prompt", "redirect_uri", "registration", "request", "request_uri", "resource", "response_mode",
		"response_type", "scope", "state", "ui_locales",
	}
	linkToLogout = []string{"client_id", "id_token_hint", "logout_hint", "post_logout_redirect_uri", "state", "ui_locales"}
)

// asLink is what of a form goes on as a link. A secret in it is a mistake of the app,
// which is told so before it gets anywhere (RFC 9700 §4.3.2).
func asLink(form authreq.Request, known []string) (authreq.Request, error) {
	var drop []string
	var err error
	form.Each(func(name, _ string) bool {
		if !slices.Contains(known, name) {
			drop = append(drop, name)
			if slices.Contains(bodyOnly, name) {
				err = badRequest(reason.ParameterMisplaced, "the app sent "+name+", which has no place in this request")
			}
		}
		return err == nil
	})
	return form.Without(drop...), err
}
