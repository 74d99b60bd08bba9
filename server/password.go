package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-crypt/crypt"
	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/argon2"
	"github.com/go-crypt/crypt/algorithm/pbkdf2"
	"github.com/go-crypt/crypt/algorithm/scrypt"
	"github.com/go-crypt/crypt/algorithm/shacrypt"
	"github.com/grantd/grantd/store"
	"golang.org/x/crypto/bcrypt"
)

const (
	maxPassword = 72 // bytes; bcrypt reads no more
	minPassword = 8  // characters (NIST SP 800-63B §3.1.1.2)
)

// CheckNewPassword says what is wrong with a password that somebody wants to
// set, or nil. Its words go behind "the password".
func CheckNewPassword(password string) error {
	switch {
	case password == "":
		return errors.New("is missing")
	case utf8.RuneCountInString(password) < minPassword:
		return fmt.Errorf("is too short; use at least %d characters", minPassword)
	case len(password) > maxPassword:
		return fmt.Errorf("is longer than %d bytes; use a shorter one", maxPassword)
	case !cleanText(password):
		return errors.New("has control characters or invalid UTF-8; leave them out")
	}
	return nil
}

// HashPassword makes the bcrypt hash that the database keeps.
func HashPassword(password string, cost int) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	return string(hash), err
}

// hashNew hashes a password that CheckNewPassword took, after check, if there is one.
func (p *hashPool) hashNew(ctx context.Context, password string, who hashTurn, check func() error) (hash string, err error) {
	poolErr := p.do(ctx, who, check, func() { hash, err = p.Hash(password, p.cost) })
	return hash, errors.Join(poolErr, cannotHash(err))
}

// compare does all the hashing of a login. An outdated hash is made anew of a right password.
func (p *hashPool) compare(stored, password string, exists bool) (match bool, rehashed string, err error) {
	match, err = p.Match(stored, password)
	match = match && exists
	switch {
	case err != nil:
		return false, "", cannotHash(err)
	case match && outdated(stored, p.cost):
		rehashed, _ = p.Hash(password, p.cost) // without one the old hash stays
	case !match:
		for _, cost := range restCosts(stored, p.cost) {
			if _, err := p.Match(hashOfNobody(cost), ""); err != nil {
				return false, "", cannotHash(err)
			}
		}
	}
	return match, rehashed, nil
}

// checkPassword compares the password with the user's hash, or with a stand-in
// when there is no such user. A right password that was hashed by an older
// scheme or at a lower cost is hashed anew, and user follows. When its turn comes, check may refuse.
func (s *Server) checkPassword(ctx context.Context, user *store.User, password string, who hashTurn, check func() error) (match bool, err error) {
	stored, rehashed := user.PasswordHash, ""
	if stored == "" {
		stored = hashOfNobody(s.BcryptCost)
	}
	var hashErr error
	err = s.hashes.do(ctx, who, check, func() { match, rehashed, hashErr = s.hashes.compare(stored, password, user.ID != "") })
	err = cmp.Or(err, hashErr)
	if err != nil || rehashed == "" {
		return match, err
	}
	if err := s.DB.ReplaceHash(ctx, user.ID, stored, rehashed); err != nil {
		s.warn(ctx, "rehash a password", err)
		return match, nil
	}
	return s.afterRehash(ctx, user, rehashed, password, who)
}

// afterRehash reads which hash counts now: of two logins at the same time one
// replaced the old hash, and a password set meanwhile is to be checked anew.
func (s *Server) afterRehash(ctx context.Context, user *store.User, rehashed, password string, who hashTurn) (match bool, err error) {
	*user, err = s.DB.User(ctx, user.ID)
	switch {
	case errors.Is(err, store.ErrNotFound): // deleted meanwhile
		return false, nil
	case err != nil:
		return false, err
	case user.PasswordHash == rehashed:
		return true, nil
	}
	return s.checkPassword(ctx, user, password, who, nil) // it was counted
}

// restCosts are the costs of bcrypt to pay when a password did not match stored,
// so that the refusal takes as long as one at the configured cost, which a user
// who does not exist gets. Each step of the cost doubles the work, so the steps
// between sum up to the difference. How long a hash of another scheme took is
// unknown: the whole cost is paid on top.
func restCosts(stored string, cost int) (rest []int) {
	from, err := bcrypt.Cost([]byte(stored))
	if err != nil {
		return []int{cost}
	}
	for ; from < cost; from++ {
		rest = append(rest, from)
	}
	return rest
}

// hashOfNobody matches no password.
func hashOfNobody(cost int) string {
	return fmt.Sprintf("$2a$%02d$", cost) + strings.Repeat(".", 53)
}

func isBcrypt(hash string) bool { return strings.HasPrefix(hash, "$2") }

func matches(stored, password string) bool {
	if isBcrypt(stored) {
		return bcrypt.CompareHashAndPassword([]byte(stored), []byte(password)) == nil
	}
	digest, err := decodeHash(stored)
	if err != nil {
		return false
	}
	return digest.Match(password)
}

func outdated(stored string, cost int) bool {
	have, err := bcrypt.Cost([]byte(stored))
	return err != nil || have < cost
}

// hashDecoder is built once: it registers each scheme.
var hashDecoder = sync.OnceValues(func() (*crypt.Decoder, error) {
	d := crypt.NewDecoder()
	err := errors.Join(
		argon2.RegisterDecoder(d), pbkdf2.RegisterDecoder(d), scrypt.RegisterDecoderScrypt(d), shacrypt.RegisterDecoder(d),
	)
	return d, err
})

func decodeHash(hash string) (algorithm.Digest, error) {
	d, err := hashDecoder()
	if err != nil {
		return nil, err
	}
	return d.Decode(hash)
}
