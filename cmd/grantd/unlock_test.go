package main

import (
	"path/filepath"
	"testing"
)

// Who is locked out hears when to try again, an operator finds out why, and lets them in.
func TestUnlock(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + filepath.Join(t.TempDir(), "grantd.db")
	s := start(t, "dev", "--demo-listen", "off", "--database", database, "--limits-known-place", "2/12h")
	login(t, s, "kim")
	logIn := func(secret string) answer {
		return s.post("/token", form("grant_type", "password", "username", "kim", "password", secret))
	}
	for range 2 {
		wantStatus(t, "a wrong password", logIn("a wrong one"), 400, "invalid_grant")
	}
	for _, secret := range []string{"a wrong one", password} {
		wantStatus(t, "one too many", logIn(secret), 429, "temporarily_unavailable", "try again in 6 hours")
	}
	mustRun(t, "", "user", "unlock", "kim", "--database", database)
	eventually(t, "the user is let in", func() bool { return logIn(password).status == 200 })
	if status, _ := s.stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}
