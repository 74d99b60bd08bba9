package server

import "context"

// OccupyHashes takes every place in which a password hash may run, until release.
func (s *Server) OccupyHashes() (release func()) {
	for range cap(s.hashes.slots) {
		s.hashes.slots <- struct{}{}
	}
	return func() {
		for range cap(s.hashes.slots) {
			<-s.hashes.slots
		}
	}
}

// HashesWaiting is how many password hashes wait or run.
func (s *Server) HashesWaiting() int { return int(s.hashes.waiting.Load()) }

// HashOfNobody is what the password of an unknown user is compared with.
func (s *Server) HashOfNobody() string { return hashOfNobody(s.BcryptCost) }

// QueuePerHash is how many hashes may wait for each that may run.
const QueuePerHash = queuePerHash

// NewHashPool is a pool of its own; do runs a hash in it.
func NewHashPool(concurrent int) (do func(context.Context, func()) error) {
	return newHashPool(concurrent, 4, nil).do
}

// Matches compares a password with a hash that ImportHash took.
func Matches(stored, password string) bool { return matches(stored, password) }

// RestCosts are what a refusal pays besides the hash that was compared.
var RestCosts = restCosts

// FillHashQueue takes every place in which a password hash may run or wait, until release.
func (s *Server) FillHashQueue() (release func()) {
	all := int64(cap(s.hashes.slots) * (queuePerHash + 1))
	s.hashes.waiting.Add(all)
	return func() { s.hashes.waiting.Add(-all) }
}
