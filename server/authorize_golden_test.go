package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// secureCookie is cookie for an issuer on https.
func (s *system) secureCookie(userID string) edit {
	cookie := s.cookie(userID)
	return func(r *http.Request) {
		cookie(r)
		_, secret, _ := strings.Cut(r.Header.Get("Cookie"), "=")
		r.Header.Set("Cookie", "__Host-grantd_session="+secret)
	}
}

// assetVersion follows the looks of the pages.
var assetVersion = regexp.MustCompile(`\?v=[\w-]+`)

// What apps get at the end of the browser's half, as it is sent.
func TestWireOfCodeFlow(t *testing.T) {
	s := withApps(t, fixedIssuer)
	ann := s.secureCookie("u-ann")
	answered := s.authorize(asked("scope", "me items offline_access"), ann)
	code := answered.answer(t).Get("code")
	answered.Header.Set("Location", strings.ReplaceAll(answered.Header.Get("Location"), code, "CODE"))
	golden(t, "authorize_code", answered.wire())
	golden(t, "token_code", s.redeem(code).withTokens(t))
	another := s.authorize(asked(), ann).answer(t).Get("code")
	for name, res := range map[string]reply{
		"authorize_error":                  s.authorize(asked("scope", "magic")),
		"authorize_error_form_post":        s.authorize(asked("scope", "magic", "response_mode", formPost)),
		"error_invalid_grant_code":         s.redeem("x"),
		"error_invalid_grant_code_replay":  s.redeem(code),
		"error_invalid_grant_code_client":  s.redeem(another, "client_id", "third"),
		"error_invalid_grant_redirect_uri": s.redeem(another, "redirect_uri", "https://other.example/"),
		"error_invalid_grant_verifier":     s.redeem(another, "code_verifier", challenge),
		"error_invalid_request_code":       s.redeem("", "code", ""),
		"error_invalid_target":             s.redeem(another, "resource", "https://other.example/"),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, assetVersion.ReplaceAllString(res.wire(), "?v=...")) })
	}
}
