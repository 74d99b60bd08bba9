package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash/crc32"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/grantd/grantd/store"
)

// NewSecret is 256 bits that nobody can guess, in base64url: a code, what a browser's cookie holds.
func NewSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// A client secret is known by its looks wherever it leaks to, and what only looks so is told from it
// by a checksum: scanners of code and logs need not ask anybody.
const (
	clientSecretPrefix = "grantd_cs_"
	clientSecretRandom = 43 // digits of base 62: 256 bits
	clientSecretCheck  = 6  // digits of base 62: the CRC-32 of all before them
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewClientSecret is a secret for a client: grantd_cs_, 43 random digits of base 62, and 6 of a checksum.
func NewClientSecret() string {
	secret := make([]byte, 0, len(clientSecretPrefix)+clientSecretRandom+clientSecretCheck)
	secret = append(secret, clientSecretPrefix...)
	for len(secret) < len(clientSecretPrefix)+clientSecretRandom {
		secret = appendDigits(secret)
	}
	secret = secret[:len(clientSecretPrefix)+clientSecretRandom]
	return string(appendCheck(secret, string(secret)))
}

// appendDigits adds some random digits of base 62. Bytes that would make some likelier than others
// are left out.
func appendDigits(digits []byte) []byte {
	var random [64]byte
	rand.Read(random[:])
	for _, b := range random {
		if b < 4*62 {
			digits = append(digits, base62[b%62])
		}
	}
	return digits
}

// appendCheck adds the checksum of text.
func appendCheck(digits []byte, text string) []byte {
	sum := crc32.ChecksumIEEE([]byte(text))
	var check [clientSecretCheck]byte
	for i := range check {
		check[len(check)-1-i] = base62[sum%62]
		sum /= 62
	}
	return append(digits, check[:]...)
}

// miscopied tells of what looks like a secret that NewClientSecret made that it is none. Secrets
// from elsewhere look as they like.
func miscopied(secret string) bool {
	if !strings.HasPrefix(secret, clientSecretPrefix) {
		return false
	}
	end := len(secret) - clientSecretCheck
	if end != len(clientSecretPrefix)+clientSecretRandom {
		return true
	}
	return string(appendCheck(nil, secret[:end])) != secret[end:]
}

// HashSecret is what the database keeps of a client secret. Secrets that grantd
// makes have 256 bits of entropy, so one fast hash is enough.
func HashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Which of a client's secrets a request came with.
type secretMatch int

const (
	noSecret secretMatch = iota
	theSecret
	oldSecret // of before, for as long as it is still good
)

// secretOfNobody stands in for the hash of a public client, and of one that does
// not exist, so that its refusal takes the same steps.
var secretOfNobody = sha256.Sum256(nil)

// noHash stands in for the hash of an old secret that there is not. No secret has it.
var noHash [sha256.Size]byte

// matchSecret tells which of the client's secrets this is. A public one has the empty secret. Both
// are compared, whatever comes of the first, in constant time.
func matchSecret(c *store.Client, secret string, now time.Time) secretMatch {
	want, old := secretOfNobody[:], noHash[:]
	if c.SecretHash != nil {
		want = c.SecretHash
	}
	if c.OldSecretHash != nil && now.Before(c.OldSecretUntil) {
		old = c.OldSecretHash
	}
	sum := sha256.Sum256([]byte(secret))
	isTheSecret, isOld := subtle.ConstantTimeCompare(sum[:], want), subtle.ConstantTimeCompare(sum[:], old)
	switch {
	case isTheSecret == 1:
		return theSecret
	case isOld == 1:
		return oldSecret
	}
	return noSecret
}

// oldSecretEvery is how often a server tells that a client still uses its old secret.
const oldSecretEvery = time.Hour

// oldSecrets are the clients of which it was told lately. They have an old secret that was good: there
// are no more than the operator changes at a time.
type oldSecrets struct {
	mu   sync.Mutex
	told map[string]time.Time
}

// due tells whether it is to be told of that client again.
func (o *oldSecrets) due(id string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if told, ok := o.told[id]; ok && within(now.Sub(told), oldSecretEvery-1) {
		return false
	}
	for other, told := range o.told {
		if !within(now.Sub(told), oldSecretEvery-1) {
			delete(o.told, other)
		}
	}
	if o.told == nil {
		o.told = map[string]time.Time{}
	}
	o.told[id] = now
	return true
}

// noteOldSecret tells the operator who has not gone over to the new secret yet.
func (s *Server) noteOldSecret(ctx context.Context, c *store.Client) {
	if s.oldSecrets.due(c.ID, s.Now()) {
		s.audit(ctx, slog.LevelWarn, store.Event{
			Type: "client.old_secret_used", ClientID: c.ID, Detail: store.Detail{"good_until": c.OldSecretUntil.UTC().Format(time.RFC3339)},
		})
	}
}
