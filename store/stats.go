package store

import (
	"database/sql"
	"math/bits"
	"sync/atomic"
	"time"
)

// Stats are what an open database was used for so far.
type Stats struct {
	Pools []PoolStats

	// Unavailable counts the faults that ErrUnavailable matches.
	Unavailable uint64

	// Again counts statements and transactions that were done once more, because the database took them
	// back or the connection broke.
	Again uint64

	// Commits are how many rotations shared a commit: the first counts those that were alone, the
	// others those up to 2, 4, 8, 16, 32 and 64.
	Commits [commitSizes]uint64

	// Rotations were in these commits. Some were refused there.
	Rotations uint64
}

const commitSizes = 7

// PoolStats are of one set of connections: "write" and "read" with SQLite; with PostgreSQL
// "requests", "watch", which keeps the server able to refuse, and "probe", for readiness.
type PoolStats struct {
	Name       string
	Most       int // connections that it may have
	Open, Busy int // that it has, and of these at work
	Waits      int64
	Waited     time.Duration // by all who waited for a connection
}

// Stats tells what the database was used for so far, without asking it.
func (db *DB) Stats() (s Stats) {
	seen := map[*sql.DB]bool{}
	for _, p := range [...]*pool{db.write, db.read, db.watch, db.probe} {
		if !seen[p.DB] {
			seen[p.DB] = true
			s.Pools = append(s.Pools, p.stats())
		}
	}
	s.Unavailable, s.Again = db.dialect.faults.Load(), db.dialect.again.Load()
	for i := range s.Commits {
		s.Commits[i] = db.rotations.sizes.counts[i].Load()
	}
	s.Rotations = db.rotations.sizes.sum.Load()
	return s
}

func (p *pool) stats() PoolStats {
	s := p.DB.Stats()
	return PoolStats{Name: p.name, Most: s.MaxOpenConnections, Open: s.OpenConnections, Busy: s.InUse, Waits: s.WaitCount, Waited: s.WaitDuration}
}

// sizes count groups by how many are in them.
type sizes struct {
	counts [commitSizes]atomic.Uint64
	sum    atomic.Uint64
}

func (s *sizes) note(n int) {
	if n > 0 {
		s.counts[min(bits.Len(uint(n-1)), commitSizes-1)].Add(1)
		s.sum.Add(uint64(n))
	}
}
