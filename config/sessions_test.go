package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/config"
)

func TestCheckSessions(t *testing.T) {
	for _, tc := range []struct {
		name     string
		ttl, max time.Duration
		problem  string
	}{
		{"the least", 5 * time.Minute, 5 * time.Minute, ""},
		{"the most", 720 * time.Hour, 8760 * time.Hour, ""},
		{"ttl too short", 5*time.Minute - 1, time.Hour, "sessions.ttl: it is 4m59.999999999s; set it between 5m and 720h"},
		{"ttl too long", 721 * time.Hour, 721 * time.Hour, "sessions.ttl: it is 721h"},
		{"max_ttl shorter", time.Hour, 59 * time.Minute, "sessions.max_ttl: it is shorter than sessions.ttl; set it to that or longer"},
		{"max_ttl too long", time.Hour, 8761 * time.Hour, "sessions.max_ttl: it is 8761h; set it to 8760h at most"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := servable()
			c.Sessions = config.Sessions{TTL: tc.ttl, MaxTTL: tc.max}
			expect(t, c.Check(), tc.problem)
		})
	}
}

func TestCheckAudiences(t *testing.T) {
	for _, tc := range []struct{ name, audiences, problem string }{
		{"8707-2 absolute URIs", "https://api.example.com/v1?x urn:example:api api://reports", ""},
		{"8707-2 relative", "api", `tokens.audiences: "api" is not an absolute URI (RFC 8707 §2); write it as`},
		{"8707-2 a path", "/api", "is not an absolute URI"},
		{"8707-2 a fragment", "https://api.example.com/#", `has a fragment (RFC 8707 §2); remove what follows the #`},
		{"no host", "https:///x", "is not an absolute URI"},
		{"not ASCII", "https://exämple.com", "is not an absolute URI"},
		{"twice", "urn:a urn:a", "is there twice"},
		{"the audience itself", "urn:main", `tokens.audiences: "urn:main" is tokens.audience; remove it here`},
		{"too many", strings.Repeat("urn:a ", 101), "there are more than 100"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := servable()
			c.Tokens.Audience, c.Tokens.Audiences = "urn:main", strings.Fields(tc.audiences)
			expect(t, c.Check(), tc.problem)
		})
	}
}
