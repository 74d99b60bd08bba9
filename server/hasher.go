package server

import (
	"time"

	"github.com/grantd/grantd/server/reason"
)

// Hasher does the arithmetic of passwords, which is slow on purpose. Its methods may be called
// at the same time, and fail only when they cannot be done.
type Hasher interface {
	// Match says whether a password is that of the hash, in any scheme that logins read.
	Match(hash, password string) (bool, error)
	// Hash makes the bcrypt hash that the database keeps. A password of more than 72 bytes is an error.
	Hash(password string, cost int) (string, error)
}

// OwnHasher hashes in this process.
type OwnHasher struct{}

// Match is Hasher.Match. It never fails.
func (OwnHasher) Match(hash, password string) (bool, error) { return matches(hash, password), nil }

// Hash is Hasher.Hash.
func (OwnHasher) Hash(password string, cost int) (string, error) { return HashPassword(password, cost) }

// cannotHash words what a Hasher failed with.
func cannotHash(err error) error {
	if err == nil {
		return nil
	}
	return unavailable(reason.HasherFailed, "passwords cannot be checked now; try again", 5*time.Second).because(err)
}
