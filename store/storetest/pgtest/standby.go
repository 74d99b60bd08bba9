package pgtest

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// StandbyOptions of a standby.
type StandbyOptions struct {
	// Synchronous makes the primary wait for this standby at each commit.
	Synchronous bool
	// Through is a Proxy to the primary, for a test that delays or cuts the replication. Nil means a
	// direct connection.
	Through *Network
}

// Standby starts a streaming copy of c. It answers queries, refuses changes, and is caught up with
// c when Standby returns. Its databases have the same names and passwords.
func (c *Cluster) Standby(t testing.TB, o StandbyOptions) *Cluster {
	t.Helper()
	dir, err := folder("standby")
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	s := &Cluster{t: t, dir: dir, password: c.password}
	t.Cleanup(s.remove)
	primary := c.AdminURL("")
	if o.Through != nil {
		primary = o.Through.URL(primary)
	}
	name := fmt.Sprintf("standby%d", time.Now().UnixNano())
	s.must(run(dir, "pg_basebackup", "--pgdata", s.data(), "--checkpoint", "fast", "--no-sync",
		"--write-recovery-conf", "--dbname", primary+"&application_name="+name))
	s.must(s.bootAnywhere())
	if o.Synchronous {
		c.Exec("ALTER SYSTEM SET synchronous_standby_names = '" + name + "'")
		c.Exec("SELECT pg_reload_conf()")
	}
	s.must(c.awaitStandby(name, o.Synchronous))
	if o.Synchronous {
		// Commits wait from when the checkpointer has read the setting, which it does before it begins.
		c.Exec("CHECKPOINT")
	}
	return s
}

// awaitStandby waits until the standby has all that c has committed and, if asked for, c waits for
// it.
func (c *Cluster) awaitStandby(name string, synchronous bool) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var ready bool
		err := c.exec(context.Background(), fmt.Sprintf(`SELECT count(*) > 0 FROM pg_stat_replication
			WHERE application_name = '%s' AND state = 'streaming' AND replay_lsn >= pg_current_wal_lsn()
			AND (sync_state = 'sync' OR NOT %t)`, name, synchronous), &ready)
		if err != nil || ready {
			return err
		}
	}
	return fmt.Errorf("%s does not catch up", name)
}

// Promote makes a standby a primary that accepts changes. It does not touch the old primary, which
// a test stops first, or keeps to see what two primaries do.
func (c *Cluster) Promote() {
	c.t.Helper()
	var promoted bool
	c.must(c.exec(context.Background(), "SELECT pg_promote()", &promoted))
	if !promoted {
		c.t.Fatalf("pgtest: the standby does not become a primary: %s", c.Logs())
	}
}
