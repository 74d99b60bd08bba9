package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// BenchmarkCost weighs each request to "grantd serve", of 8 clients who send one after the other:
// the processor time of the server, that of all processes of PostgreSQL, and what PostgreSQL writes
// to its log. Passwords are hashed as quickly as can be: see BenchmarkHash.
func BenchmarkCost(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkCost(b, "sqlite:"+filepath.Join(b.TempDir(), "grantd.db"), nil) })
	b.Run("postgres", func(b *testing.B) {
		url := pgtest.Start(b, pgtest.Options{Settings: map[string]string{"max_wal_size": "8GB"}}).CreateDatabase()
		conn, err := pgx.Connect(b.Context(), url)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close(context.Background())
		benchmarkCost(b, url, conn)
	})
}

const costedClients = 8

func benchmarkCost(b *testing.B, database string, conn *pgx.Conn) {
	c := serveCosted(b, database)
	for _, op := range operations {
		b.Run(op.name, func(b *testing.B) {
			var spare []string
			if op.name == "revoke" {
				spare = c.authorize(b, b.N)
			}
			before := c.weigh(b, conn)
			b.ResetTimer()
			var wg sync.WaitGroup
			var todo atomic.Int64
			todo.Store(int64(b.N))
			for i := range costedClients {
				wg.Go(func() {
					for n := todo.Add(-1); n >= 0; n = todo.Add(-1) {
						if spare != nil {
							c.refresh[i] = spare[n]
						}
						if a := op.do(c.costed, i); a.err != nil || a.status != 200 {
							b.Error(op.name, a)
							return
						}
					}
				})
			}
			wg.Wait()
			after := c.weigh(b, conn)
			n := float64(b.N)
			b.ReportMetric((after.server-before.server).Seconds()*1e6/n, "server-CPU-µs")
			if conn != nil {
				b.ReportMetric((after.postgres-before.postgres).Seconds()*1e6/n, "postgres-CPU-µs")
				b.ReportMetric((after.written-before.written)/n, "WAL-B")
			}
		})
	}
}

// weighed is a server in a process of its own, and what else its database is reached by.
type weighed struct {
	*costed
	db        *store.DB
	refresher *token.Refresher
}

func serveCosted(b *testing.B, database string) *weighed {
	b.Helper()
	key := token.NewMasterKey()
	master, err := token.NewMaster(key)
	if err != nil {
		b.Fatal(err)
	}
	p := newProcess("serve", "--migrate")
	p.cmd.Env = settings("GRANTD_ISSUER="+replicaIssuer, "GRANTD_DATABASE="+database, "GRANTD_PASSWORD_BCRYPT_COST=10",
		"GRANTD_MASTER_KEY="+base64.StdEncoding.EncodeToString(key))
	if err := p.launch(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.kill)
	db, err := store.Open(b.Context(), database)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	c := &costed{process: p, t: b}
	c.prepare(db, 10, costedClients)
	return &weighed{c, db, token.NewRefresher(master, replicaIssuer, time.Now)}
}

// authorize begins n authorizations without passwords, and returns their refresh tokens.
func (c *weighed) authorize(b *testing.B, n int) (refresh []string) {
	b.Helper()
	now := time.Now().Truncate(time.Millisecond)
	for range n {
		g := store.Grant{
			ID: rand.Text(), ClientID: replicaClient, UserID: c.user, Scope: []string{"me"}, Generation: 1,
			AuthTime: now, CreatedAt: now, RotatedAt: now, ExpiresAt: now.Add(time.Hour), MaxExpiresAt: now.Add(time.Hour),
		}
		raw, err := c.refresher.Mint(token.Refresh{
			Subject: g.UserID, ClientID: g.ClientID, Scope: scopes.Set{"me"}, GrantID: g.ID, Generation: 1, IssuedAt: now, ExpireAt: g.ExpiresAt,
		})
		if created, err2 := c.db.CreateGrant(b.Context(), g, ""); err != nil || err2 != nil || !created {
			b.Fatal(created, err, err2)
		}
		refresh = append(refresh, raw)
	}
	return refresh
}

// weight is what was used up so far.
type weight struct {
	server, postgres time.Duration
	written          float64
}

func (c *costed) weigh(b *testing.B, conn *pgx.Conn) (w weight) {
	b.Helper()
	w.server = processorTime(b, c.cmd.Process.Pid)
	if conn == nil {
		return w
	}
	rows, err := conn.Query(b.Context(), `SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()`)
	if err != nil {
		b.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		b.Fatal(err)
	}
	for _, pid := range pids {
		w.postgres += processorTime(b, pid)
	}
	if err := conn.QueryRow(b.Context(), `SELECT (pg_current_wal_insert_lsn() - '0/0')::float8`).Scan(&w.written); err != nil {
		b.Fatal(err)
	}
	return w
}

// processorTime is what Linux counts in hundredths of a second: see proc_pid_stat(5).
func processorTime(b *testing.B, pid int) (sum time.Duration) {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skipf("processor time is read from Linux: %v", err)
	}
	_, text2, _ := strings.Cut(string(text), ") ")       // the name may contain spaces
	for _, field := range strings.Fields(text2)[11:13] { // utime and stime
		ticks, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(ticks) * 10 * time.Millisecond
	}
	return sum
}

// BenchmarkHash is what a password costs.
func BenchmarkHash(b *testing.B) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), 12)
	if err != nil {
		b.Fatal(err)
	}
	before := processorTime(b, os.Getpid())
	for b.Loop() {
		if err := bcrypt.CompareHashAndPassword(hash, []byte(password)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processorTime(b, os.Getpid())-before).Seconds()*1e3/float64(b.N), "CPU-ms")
}
