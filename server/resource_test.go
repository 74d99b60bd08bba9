package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// wantChallenge checks a refusal of the resource router and its challenge
// (RFC 6750 §3): status, code, and what every refusal has in common.
func (r reply) wantChallenge(t *testing.T, status int, code string) {
	t.Helper()
	r.wantError(t, status, code)
	got := r.Header.Get("WWW-Authenticate")
	if !strings.HasPrefix(got, `Bearer realm="grantd"`) || !strings.Contains(got, `error="`+code+`", error_description="`) ||
		!strings.Contains(got, `/.well-known/oauth-protected-resource"`) {
		t.Errorf("WWW-Authenticate %q", got)
	}
	if len(r.Header.Values("WWW-Authenticate")) != 1 || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", r.Header)
	}
	_ = http.StatusOK
}
