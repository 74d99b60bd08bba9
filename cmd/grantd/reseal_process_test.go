package main

import (
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// The way of docs/operating.md, with real servers and commands, while apps refresh: nobody is refused.
func TestMasterKeyChangesUnderLoad(t *testing.T) {
	for name, database := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "grantd.db") },
		"postgres": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			url := database(t)
			// Longer than the balancer takes to notice.
			rs := startReplicas(t, replicaSetup{database: url, through: []string{url, url}, grace: time.Minute, env: []string{"GRANTD_SHUTDOWN_DELAY=500ms"}})
			next := base64.StdEncoding.EncodeToString(token.NewMasterKey())
			newKey := filepath.Join(t.TempDir(), "new.key")
			if err := os.WriteFile(newKey, []byte(next), 0o600); err != nil {
				t.Fatal(err)
			}
			idle := rs.held(t)
			load := rs.refreshAll(t, 8)

			load.goesOn(t)
			rs.reseal(t, "--prepare", "--new-master-key-file", newKey)
			load.goesOn(t)
			for i := range rs.list {
				rs.restartWith(t, i, next)
				load.goesOn(t)
			}
			rs.reseal(t, "--finish")
			load.goesOn(t) // before the servers have heard of it
			rs.restartWith(t, 0, next)
			load.goesOn(t) // one has, the other one not yet
			made := load.end()

			for i := range rs.list {
				a := refresh(rs.at(i), idle.refresh)
				if a.status != http.StatusOK {
					t.Fatalf("the token from before, at replica %d: %+v", i, a)
				}
				var err error
				if idle, err = readTokens(a.body); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%d refreshes, none refused", made)
		})
	}
}

// held is a new authorization.
func (rs *replicas) held(t *testing.T) held {
	t.Helper()
	user, err := rs.newUser("")
	if err != nil {
		t.Fatal(err)
	}
	h, err := rs.authorize(user)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// reseal runs the command with the settings of the servers.
func (rs *replicas) reseal(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("grantd", append([]string{"key", "reseal"}, args...)...)
	cmd.Env = settings(rs.list[0].env...)
	if status, _, stderr := runCommand(t, cmd, ""); status != exitOK {
		t.Fatalf("key reseal %v: %s", args, stderr)
	}
}

// restartWith restarts one server with a master key, in the orderly way.
func (rs *replicas) restartWith(t *testing.T, i int, key string) {
	t.Helper()
	r := rs.list[i]
	r.process.Load().mustStop(t)
	for n, setting := range r.env {
		if strings.HasPrefix(setting, "GRANTD_MASTER_KEY=") {
			r.env[n] = "GRANTD_MASTER_KEY=" + key
		}
	}
	r.start(t)
	eventually(t, "it is ready again", r.up.Load)
}

// refreshLoad are apps that refresh all the time, by way of a balancer.
type refreshLoad struct {
	made    []atomic.Int64
	stop    atomic.Bool
	running sync.WaitGroup
}

func (rs *replicas) refreshAll(t *testing.T, apps int) *refreshLoad {
	t.Helper()
	load := &refreshLoad{made: make([]atomic.Int64, apps)}
	for i := range apps {
		h := rs.held(t)
		load.running.Go(func() {
			for !load.stop.Load() {
				_, a := rs.balanced(func(p *process) answer { return refresh(p, h.refresh) })
				given, err := readTokens(a.body)
				if a.status != http.StatusOK || err != nil {
					t.Errorf("refused: %+v, %v", a, err)
					return
				}
				h = given
				load.made[i].Add(1)
			}
		})
	}
	t.Cleanup(func() { load.end() })
	return load
}

// goesOn waits until each app has refreshed several times more.
func (l *refreshLoad) goesOn(t *testing.T) {
	t.Helper()
	for i := range l.made {
		from := l.made[i].Load()
		eventually(t, "refreshes go on", func() bool { return t.Failed() || l.made[i].Load() >= from+10 })
	}
}

// end tells how many refreshes there were.
func (l *refreshLoad) end() (made int64) {
	l.stop.Store(true)
	l.running.Wait()
	for i := range l.made {
		made += l.made[i].Load()
	}
	return made
}
