package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
)

// The page did not say where an app may do what it asks for.
func TestConsentNamesAnotherAudience(t *testing.T) {
	const payroll = "https://payroll.example"
	s := withApps(t, func(o *server.Options) { o.Audiences = []string{payroll} })
	for name, c := range map[string]struct {
		resource string
		named    bool
	}{
		"8707-2 none":              {"", false},
		"8707-2 the usual one":     {s.opts.Issuer, false},
		"8707-2 one of the others": {payroll, true},
	} {
		t.Run(name, func(t *testing.T) {
			query := asked("client_id", "third", "redirect_uri", "https://third.example/cb", "scope", "me", "resource", c.resource)
			page := s.authorize(query, s.cookie("u-ann"))
			page.wantPage(t, http.StatusOK)
			if said := strings.Contains(page.body, "This is for <strong>"+payroll+"</strong>."); said != c.named || !c.named && strings.Contains(page.body, "This is for") {
				t.Errorf("said: %v\n%s", said, page.body)
			}
		})
	}
}
