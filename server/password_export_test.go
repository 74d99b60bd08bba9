package server

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// OccupyHashes takes every place in which a password hash may run, until release.
func (s *Server) OccupyHashes() (release func()) {
	p := s.hashes
	for range p.places {
		if err := p.enter(context.Background(), hashTurn{client: "test"}, time.Now()); err != nil {
			panic(err)
		}
	}
	return func() {
		for range p.places {
			p.leave()
		}
	}
}

// HashesWaiting is how many password hashes wait for their turn.
func (s *Server) HashesWaiting() int { return s.hashes.counts().waiting }

// HashTime is how long hashes take now, as refusals without one do.
func (s *Server) HashTime() time.Duration { return s.hashes.hashTime() }

// HashOfNobody is what the password of an unknown user is compared with.
func (s *Server) HashOfNobody() string { return hashOfNobody(s.BcryptCost) }

// QueuePerHash is how many hashes may wait for each that may run.
const QueuePerHash = queuePerHash

// HashTurn says for whom a HashPool hashes.
type HashTurn struct {
	Known           bool
	Client, Address string
}

// HashPool is a pool of its own.
type HashPool struct{ p *hashPool }

// NewHashPool makes a pool in which a hash is thought to take a time, until it is measured.
func NewHashPool(concurrent int, mean time.Duration) HashPool {
	p := newHashPool(concurrent, 4, nil)
	p.mean = mean
	return HashPool{p}
}

// Observe lets f hear of each hash.
func (p HashPool) Observe(f func(waited, took time.Duration)) { p.p.hashed = f }

// Do runs hash when its turn comes.
func (p HashPool) Do(ctx context.Context, who HashTurn, hash func()) error {
	return p.p.do(ctx, hashTurn{who.Known, who.Client, who.Address}, nil, hash)
}

// Counts are how many hashes wait and run.
func (p HashPool) Counts() (waiting, running int) {
	c := p.p.counts()
	return c.waiting, c.running
}

// HashTime is how long hashes take now.
func (p HashPool) HashTime() time.Duration { return p.p.hashTime() }

// AsLong takes as long as a hash does now.
func (p HashPool) AsLong(ctx context.Context) { p.p.asLong(ctx) }

// Matches compares a password with a hash that ImportHash took.
func Matches(stored, password string) bool { return matches(stored, password) }

// RestCosts are what a refusal pays besides the hash that was compared.
var RestCosts = restCosts

// FillHashQueue takes every place in which a password hash may run or wait, each for somebody else,
// until release.
func (s *Server) FillHashQueue() (release func()) { return s.fillHashQueue(true) }

func (s *Server) fillHashQueue(known bool) (release func()) {
	free := s.OccupyHashes()
	ctx, leave := context.WithCancel(context.Background())
	for i := range s.hashes.depth() {
		go s.hashes.enter(ctx, hashTurn{known: known, client: fmt.Sprint("test ", i)}, time.Now())
	}
	for s.HashesWaiting() < s.hashes.depth() {
		runtime.Gosched()
	}
	return func() { leave(); free() }
}

// SetHashTime lets hashes be thought to take a time.
func (s *Server) SetHashTime(d time.Duration) {
	s.hashes.mu.Lock()
	defer s.hashes.mu.Unlock()
	s.hashes.mean = d
}

// FillHashQueueWithStrangers is FillHashQueue by those whom nobody knows.
func (s *Server) FillHashQueueWithStrangers() (release func()) { return s.fillHashQueue(false) }

// StrangersWaiting is how many of those who wait are strangers.
func (s *Server) StrangersWaiting() int {
	s.hashes.mu.Lock()
	defer s.hashes.mu.Unlock()
	return s.hashes.queue.number(false)
}
