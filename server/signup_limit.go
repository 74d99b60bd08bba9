package server

import (
	"context"
	"time"

	"github.com/grantd/grantd/store"
)

// signups makes the hashes of users who sign up: each costs one, and so many are made for an address.
type signups struct {
	db     *store.DB
	guard  *guard
	hashes *hashPool
	now    func() time.Time
}

// hash is resource.Options.HashPassword.
func (s *signups) hash(ctx context.Context, password string) (string, error) {
	address := placeOf(recordOf(ctx).from)
	if err := s.guard.isEmpty(signupKey(address), s.now()); err != nil {
		return "", err
	}
	return s.hashes.hashNew(ctx, password, hashTurn{client: "signup", address: address}, func() error { return s.count(ctx, address) })
}

func signupKey(address string) string { return "signup " + address }

func (s *signups) count(ctx context.Context, address string) error {
	rate, now := s.guard.limits.Signup, s.now()
	if rate.none() {
		return nil
	}
	empty, err := s.db.Take(ctx, now, rate.bucket(signupKey(address)))
	if err != nil || empty.Key == "" {
		return err
	}
	s.guard.noteEmpty(empty.Key, empty, now.Add(emptyAddress))
	return tooManyAttempts(empty, now)
}
