package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

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

// Of a token that the server made, log and audit log tell whose it is, whyever it is refused. Of one that it did not make
// nothing is told, for anybody can write anything into it.
func TestWhoseTokenIsRefused(t *testing.T) {
	s := withApps(t)
	access := s.login("me").str("access_token")
	tampered := access[:strings.LastIndexByte(access, '.')+1] + strings.Repeat("A", 86)
	revoked := s.login("me").str("access_token")
	s.revoke(revoked).wantOK(t)
	for _, path := range []string{"/users/me/items/", "/userinfo"} {
		for _, c := range []struct{ token, want string }{
			{access, "token_lacks_scope u-ann app"},
			{revoked, "token_revoked u-ann app"},
			{tampered, "token_bad_signature - -"},
		} {
			if got := s.about(t, s.get(path, bearer(c.token))); got != c.want {
				t.Errorf("%s: %s, want %s", path, got, c.want)
			}
		}
	}
	s.clock.Add(time.Hour)
	for _, path := range []string{"/users/me/", "/userinfo"} {
		res := s.get(path, bearer(access))
		if got := s.about(t, res); got != "token_expired u-ann app" || s.recordOf(res)["grant"] == nil {
			t.Errorf("%s: %s of authorization %v", path, got, s.recordOf(res)["grant"])
		}
		if got := s.about(t, s.get(path, bearer(tampered))); got != "token_bad_signature - -" {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// Who looks for the guesses at somebody finds those that were refused from memory, too.
func TestUsersOfWhoIsLimited(t *testing.T) {
	s, _ := limited(t, func(o *server.Options) {
		o.Limits.Account, o.Limits.KnownPlace, o.Limits.Address = once, once, server.Rate{}
	})
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

// The client of a secret that was cut off is named if it is known without a look: what nobody has as an id may be a secret.
func TestClientOfAMiscopiedSecret(t *testing.T) {
	s := newSystem(t)
	cut := server.NewClientSecret()[:20]
	get := func(id, secret string) reply {
		return s.post("/token", form("grant_type", "client_credentials"), as(id, secret))
	}
	for range 2 { // nor is it kept in memory that there is none
		if got := s.about(t, get("nobody", cut)); got != "client_secret_miscopied - -" {
			t.Error(got)
		}
		get("nobody", "x")
	}
	get("service", serviceSecret).wantOK(t)
	if got := s.about(t, get("service", cut)); got != "client_secret_miscopied - service" {
		t.Error(got)
	}
}
