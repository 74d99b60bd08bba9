package server_test

import (
	"fmt"
	"testing"

	"github.com/grantd/grantd/server"
)

// about is what log and audit log tell of whom a refusal is about: "reason subject client", the user by its id.
func (s *system) about(t *testing.T, res reply) string {
	t.Helper()
	rec, e := s.recordOf(res), s.refusalOf(t, res.Header.Get("X-Request-Id"))
	inLog := fmt.Sprint(rec["reason"], " ", orDash(rec["subject"]), " ", orDash(rec["client"]))
	inAudit := fmt.Sprint(e.Detail["reason"], " ", orDash(e.Subject), " ", orDash(e.ClientID))
	if inLog != inAudit {
		t.Errorf("the log has %q, the audit log %q", inLog, inAudit)
	}
	return inLog
}

func orDash(v any) any {
	if v == nil || v == "" {
		return "-"
	}
	return v
}

// Who looks for the guesses at somebody finds those that were refused from memory, too.
func TestUsersOfWhoIsLimited(t *testing.T) {
	s, _ := limited(t, func(o *server.Options) { o.Limits.Account, o.Limits.KnownPlace, o.Limits.Address = once, once, server.Rate{} })
	s.guess("192.0.2.1", "bob", password).wantOK(t)
	for _, c := range []struct{ address, username, want string }{
		{"192.0.2.2", "ann", "account_limit u-ann app"},
		{"192.0.2.2", "ann@example.com", "account_limit u-ann app"},
		{"192.0.2.2", "nobody", "account_limit - app"},
		{"192.0.2.1", "bob", "place_limit u-bob app"},
	} {
		s.guess(c.address, c.username, "a wrong password")
		for i := range 3 {
			if got := s.about(t, s.guess(c.address, c.username, "a wrong password")); got != c.want {
				t.Errorf("%s, guess %d: %s, want %s", c.username, i+2, got, c.want)
			}
		}
	}
}
