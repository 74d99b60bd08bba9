package main

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// A backup that is made while clients refresh is whole, and restoring it signs nobody out, however
// far the clients have got since.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "grantd.db"), filepath.Join(dir, "backup.db")
	dev := []string{"dev", "--database", "sqlite:" + path, "--issuer", "http://localhost"}
	s := start(t, dev...)
	clients := make([]*crashClient, crashClients)
	for i := range clients {
		clients[i] = newCrashClient(t, s, "user"+string(rune('a'+i)))
	}
	before, after := newCrashClient(t, s, "before"), newCrashClient(t, s, "after")
	wantStatus(t, "revoke", s.post("/revoke", form("client_id", "dev", "token", before.held.Refresh)), 200)
	var running sync.WaitGroup
	var answered atomic.Int64
	done := make(chan struct{})
	for _, c := range clients {
		running.Go(func() { refreshUntil(t, s, c, done, &answered) })
	}
	eventually(t, "clients refresh", func() bool { return answered.Load() > 100 })
	mustRun(t, "", "store", "backup", backup, "--database", "sqlite:"+path)
	last := answered.Load()
	eventually(t, "clients go on", func() bool { return answered.Load() > last+100 })
	close(done)
	running.Wait()
	wantStatus(t, "revoke", s.post("/revoke", form("client_id", "dev", "token", after.held.Refresh)), 200)
	s.mustStop(t)

	if err := os.Rename(backup, path); err != nil {
		t.Fatal(err)
	}
	s = start(t, dev...)
	for _, c := range clients {
		c.goOn(t, s)
	}
	wantStatus(t, "what was revoked before the backup", refresh(s, before.held.Refresh), 400, "invalid_grant")
	wantStatus(t, "its access token", s.get("/users/me/", before.held.Access), 401, "invalid_token")
	// What the documentation says of restoring: the backup cannot know, and ending everything does.
	wantStatus(t, "what was revoked after the backup", s.get("/users/me/", after.held.Access), 200)
	mustRun(t, "", "grant", "revoke", "--client", "dev", "--database", "sqlite:"+path)
	wantStatus(t, "after grant revoke", refresh(s, after.held.Refresh), 400, "invalid_grant")
	eventually(t, "its access token is refused", func() bool { return s.get("/users/me/", after.held.Access).status == 401 })
	s.mustStop(t)
}

// refreshUntil refreshes until done, and wants every answer.
func refreshUntil(t *testing.T, s *process, c *crashClient, done <-chan struct{}, answered *atomic.Int64) {
	for {
		select {
		case <-done:
			return
		default:
		}
		a := refresh(s, c.held.Refresh)
		if a.status != 200 {
			t.Errorf("refresh during the backup: %v", a)
			return
		}
		c.before, c.held = c.held, decode[tokens](t, a.body)
		answered.Add(1)
	}
}
